import * as z from 'zod'

/** A whole number in `[least, most]`. */
export const whole = (least: number, most: number): z.ZodInt => z.int().min(least).max(most)

/** Points of a signal: negative ones reassure. */
export const points = whole(-1000, 1000)

/**
 * Points by value: `[from, points]` pairs with rising `from`. Below the first pair a value earns nothing; between two pairs the points
 * lie on the straight line, rounded half-even; from the last pair on they stay.
 */
export const bands = z
  .array(z.tuple([whole(-1_000_000_000_000, 1_000_000_000_000), points]))
  .min(1)
  .max(16)
  .check((context) => {
    for (let i = 1; i < context.value.length; i++) {
      if (context.value[i][0] > context.value[i - 1][0]) continue
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: [i, 0],
        message: `${context.value[i][0]} does not lie above ${context.value[i - 1][0]}; allowed: a value above that of the pair before`,
      })
    }
  })

/** `[from, points]` pairs with rising `from`; see `bands`. */
export type Bands = z.infer<typeof bands>
