/** CPU nanoseconds that all threads of this process spend until `work` is done, in user and system mode. */
export async function cpuNanos(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}
