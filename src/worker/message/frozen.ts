/** A value whose properties can't be changed, at any depth. */
export type Frozen<T> = { readonly [Key in keyof T]: Frozen<T[Key]> };

export function frozen<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}
