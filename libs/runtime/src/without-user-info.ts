/**
 * A text with the user info of every URL in it replaced by `***`: for whatever is shown or logged of an address that somebody else wrote. All up to the last `@`
 * counts as user info, since a password may hold what belongs behind it.
 */
export function withoutUserInfo(text: string): string {
  return text.replace(/:\/\/[^\s"]*@/g, '://***@')
}
