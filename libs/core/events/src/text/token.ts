/**
 * Controls, invisible and direction-changing characters, and lone surrogates: two tokens that look alike must be alike.
 * Explicit ranges, not Unicode properties, because those change with the version of the engine.
 */
const HOSTILE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/u

const LONE_SURROGATE = /\p{Surrogate}/u

/** True for text that must not stand in a token: see `HOSTILE`. */
export function isHostile(text: string): boolean {
  return HOSTILE.test(text)
}

/** True for text that no UTF-8 can hold: half of a surrogate pair stands alone in it. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text)
}

/** The text as an error message may show it: printable, quoted, at most 60 characters. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    },
  )
}
