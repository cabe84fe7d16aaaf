/**
 * Characters that are not seen: the delete and C1 controls, what Unicode lets be ignored (joiners, direction marks, variation selectors, tags), and the fillers
 * and the Braille blank, which have a width and no ink. Explicit ranges, not Unicode properties, because those change with the version of the engine.
 */
const UNSEEN =
  '\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164' +
  '\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}'
const EACH_UNSEEN = new RegExp(`[${UNSEEN}]`, 'gu')

/** Controls, invisible and direction-changing characters, and lone surrogates: two tokens that look alike must be alike. */
const HOSTILE = new RegExp(`[\\u0000-\\u001f${UNSEEN}]|\\p{Surrogate}`, 'u')

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
  return JSON.stringify(shown).replace(EACH_UNSEEN, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}
