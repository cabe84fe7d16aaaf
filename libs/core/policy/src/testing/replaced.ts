/** The text with the first `from` in it replaced. Throws where there is none: a test that changes nothing would pass for the wrong reason. */
export function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the text has no ${JSON.stringify(from)}; take over what it says now`)
  return text.replace(from, () => to)
}
