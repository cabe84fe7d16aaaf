/** Tells a person on standard error what a command did beside its work, such as building a cache anew. */
export function notice(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** As `notice`, of a snapshot that is damaged. */
export function noticeDamage({ name, reason }: { readonly name: string; readonly reason: string }): void {
  notice(`A snapshot of ${name} is damaged and was left out (${reason}); the journal is folded instead.`)
}
