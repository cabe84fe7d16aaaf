/** The forms that a schema may ask of a string through its `format` attribute. */
export type TextFormat = 'currency' | 'country' | 'digits' | 'sha256' | 'hex16' | 'uuid'

const PATTERNS: Readonly<Record<TextFormat, RegExp>> = {
  currency: /^[A-Z]{3}$/,
  country: /^[A-Z]{2}$/,
  digits: /^(?:0|[1-9][0-9]{0,77})$/,
  sha256: /^[0-9a-f]{64}$/,
  hex16: /^[0-9a-f]{32}$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
}

const DESCRIPTIONS: Readonly<Record<TextFormat, string>> = {
  currency: 'a currency is three capital letters (ISO 4217), such as USD',
  country: 'a country is two capital letters (ISO 3166-1), such as DE',
  digits: 'it is a whole number in decimal digits, without sign or leading zeros, at most 78 of them',
  sha256: 'a SHA-256 is 64 lowercase hexadecimal digits',
  hex16: 'it is 32 lowercase hexadecimal digits',
  uuid: 'it is a UUID in lowercase, such as 0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6',
}

/** True if the text has the form. */
export function hasFormat(format: TextFormat, text: string): boolean {
  return PATTERNS[format].test(text)
}

/** What the form is, as a message may say it. */
export function describeFormat(format: TextFormat): string {
  return DESCRIPTIONS[format]
}
