/** `PaymentKind` -> `PAYMENT_KINDS`, the name of an enum's table of symbols. */
export function tableName(enumName: string): string {
  const words = enumName.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
  return /(S|X|CH)$/.test(words) ? `${words}ES` : /[^AEIOU]Y$/.test(words) ? `${words.slice(0, -1)}IES` : `${words}S`
}

/** `PaymentKind` -> `paymentKind`. */
export function lowerFirst(name: string): string {
  return name[0].toLowerCase() + name.slice(1)
}

/** `amountMinor` -> `AmountMinor`. */
export function upperFirst(name: string): string {
  return name[0].toUpperCase() + name.slice(1)
}

/** A doc comment of one paragraph. */
export function docComment(text: string, indent = ''): string {
  return text === '' ? '' : `${indent}/** ${text.replaceAll('*/', '* /')} */\n`
}

/** `EvidenceFeature` -> `EVIDENCE_FEATURE_FIELDS`, the name of the set of a record's fields. */
export function fieldSet(record: { readonly name: string }): string {
  return `${record.name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_FIELDS`
}
