/** Sines of 0 to 90 degrees in steps of 1/64 degree, by repeated rotation; only + - * / and sqrt, so that every engine agrees. */
const STEPS_PER_DEGREE = 64
const QUARTER = 90 * STEPS_PER_DEGREE
const SINES = new Float64Array(QUARTER + 1)
const PI = 3.141592653589793
const EARTH_RADIUS_KM = 6371
for (let i = 0; i <= QUARTER; i++) {
  const x = (i * PI) / (180 * STEPS_PER_DEGREE)
  let term = x
  let sum = 0
  for (let k = 1; k < 30; k += 2) {
    sum += term
    term *= (-x * x) / ((k + 1) * (k + 2))
  }
  SINES[i] = sum
}

/** Sine of an angle in degrees, by table, linear between 64ths; error below 0.00004. */
function sine(degrees: number): number {
  const turned = degrees < 0 ? -degrees % 360 : degrees % 360
  const sign = (degrees < 0 ? -1 : 1) * (turned > 180 ? -1 : 1)
  const half = turned > 180 ? turned - 180 : turned
  const at = (half > 90 ? 180 - half : half) * STEPS_PER_DEGREE
  const low = Math.min(QUARTER - 1, Math.floor(at))
  return sign * (SINES[low] + (SINES[low + 1] - SINES[low]) * (at - low))
}

/** A place on earth, hundredths of a degree, north and east positive. */
export interface Place {
  readonly latitudeCentidegrees: number
  readonly longitudeCentidegrees: number
}

/** Great-circle distance in whole kilometres on a sphere of 6,371 km (haversine; Sinnott 1984); within 2 km of it. */
export function greatCircleKm(from: Place, to: Place): number {
  const lat1 = from.latitudeCentidegrees / 100
  const lat2 = to.latitudeCentidegrees / 100
  const lift = sine((lat2 - lat1) / 2)
  const turn = sine((to.longitudeCentidegrees - from.longitudeCentidegrees) / 200)
  const haversine = Math.sqrt(Math.min(1, lift * lift + sine(90 - lat1) * sine(90 - lat2) * turn * turn))
  // The angle whose sine is known, by bisection in the table.
  let low = 0
  let high = QUARTER
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (SINES[middle] <= haversine) low = middle
    else high = middle
  }
  const share = Math.min(1, (haversine - SINES[low]) / (SINES[high] - SINES[low]))
  return Math.round((2 * EARTH_RADIUS_KM * PI * (low + share)) / (180 * STEPS_PER_DEGREE))
}
