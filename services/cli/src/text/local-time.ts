/** A time as the account's clock showed it: `2026-05-14 02:40:18 (UTC+8)`; without an offset in UTC. */
export function localTime(timeMs: number, utcOffsetMinutes: number | null): string {
  const shown = new Date(timeMs + (utcOffsetMinutes ?? 0) * 60_000).toISOString()
  return `${shown.slice(0, 10)} ${shown.slice(11, 19)} (${offsetText(utcOffsetMinutes ?? 0)})`
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  const rest = size % 60 === 0 ? '' : `:${String(size % 60).padStart(2, '0')}`
  return `UTC${minutes < 0 ? '-' : '+'}${Math.floor(size / 60)}${rest}`
}
