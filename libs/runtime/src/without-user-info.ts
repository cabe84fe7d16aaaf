/** One value that was given for an address and is not one: all up to its last `@` is replaced, whatever it should have been. */
export function maskedAddress(value: string): string {
  return value.replace(/^([a-z+]+:\/\/)?.*@/is, (_all, scheme: string | undefined) => `${scheme ?? ''}***@`)
}

/**
 * A text with the user info of every URL in it replaced by `***`: for whatever is shown or logged of an address that somebody else wrote. All up to the last `@`
 * counts as user info, since a password may hold what belongs behind it.
 */
export function withoutUserInfo(text: string): string {
  return text.replace(/:\/\/[^\s"]*@/g, '://***@')
}
