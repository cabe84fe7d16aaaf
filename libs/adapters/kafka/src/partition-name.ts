/** What a topic's partition goes by where it is a key: `payments/3`. */
export function partitionName({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}
