const PLACE = /\{([^{}]+)\}/g

/** The columns that a template such as `c-{customer_id}` names. */
export function templateColumns(template: string): readonly string[] {
  return Array.from(template.matchAll(PLACE), (match) => match[1])
}

/** The template's columns, and the texts around them: one more than there are columns. */
export function templateParts(template: string): { readonly texts: readonly string[]; readonly columns: readonly string[] } {
  return { texts: template.split(PLACE).filter((_part, index) => index % 2 === 0), columns: templateColumns(template) }
}

/** A function that fills the template from a row; `indexOf` tells each column's place in it. */
export function compileTemplate(template: string, indexOf: (column: string) => number): (row: readonly string[]) => string {
  const { texts, columns: names } = templateParts(template)
  const columns = names.map(indexOf)
  if (columns.length === 0) return () => template
  const [first, second] = texts
  const [column] = columns
  if (columns.length === 1 && second === '') return (row) => first + row[column]
  return (row) => {
    let text = texts[0]
    for (let i = 0; i < columns.length; i++) text += row[columns[i]] + texts[i + 1]
    return text
  }
}
