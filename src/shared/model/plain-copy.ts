import { formatPath, MAX_ISSUES } from '../validation/issues.ts';
import type { MessageIssue } from '../errors/errors.ts';

/** Deeper than any request that the schema accepts, so nothing valid is cut off. The limit also ends cycles. */
const MAX_DEPTH = 16;

/** The path from the request to a value, as a list linked backwards, so that a path is built only for an issue. */
interface Place {
  parent: Place | undefined;
  key: PropertyKey;
  depth: number;
}

/**
 * Returns a copy of plain data. It reads every property once and keeps the order of the keys. The copy is validated and stored, so the
 * data that is sent is the data that was validated, even if a getter or proxy returns something else the second time.
 *
 * Reports values that JSON would silently change: objects with a `toJSON` method (such as dates) and `__proto__` keys.
 */
export function snapshot(value: unknown, whole: string): { copy: unknown; issues: MessageIssue[] } {
  const issues: MessageIssue[] = [];
  const report = (place: Place | undefined, message: string) => {
    if (issues.length < MAX_ISSUES) issues.push({ path: formatPath(keysTo(place)) || whole, message });
  };

  function copyOf(original: unknown, place: Place | undefined): unknown {
    if (typeof original !== 'object' || original === null) return original;
    const depth = (place?.depth ?? 0) + 1;
    if (depth > MAX_DEPTH) return undefined;
    if ('toJSON' in original && typeof original.toJSON === 'function') {
      report(place, 'must be plain data, not an object with a toJSON method');
      return undefined;
    }
    if (Array.isArray(original)) {
      return Array.from(original, (item: unknown, key) => copyOf(item, { parent: place, key, depth }));
    }
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(original)) {
      const child = { parent: place, key, depth };
      if (key === '__proto__') report(child, 'is not a documented field');
      else copy[key] = copyOf(Reflect.get(original, key), child);
    }
    return copy;
  }

  return { copy: copyOf(value, undefined), issues };
}

function keysTo(place: Place | undefined): PropertyKey[] {
  return place === undefined ? [] : [...keysTo(place.parent), place.key];
}
