import type { Model } from './model.ts';

/** Every letter is in the index of its reason and in that of its page, and nothing else is. Returns the violations. */
export function letterProblems({ seen, letters, messages }: Model): string[] {
  const listOf = (ids: Iterable<string>): string => [...ids].toSorted().join();
  const all = listOf(letters.keys());
  const found = {
    'dead letters': Object.keys(seen.letters),
    'jobs of dead letters': Object.keys(seen.letterJobs),
    'places of dead letters': Object.keys(seen.letterPlaces),
    'dead letters by reason': Object.values(seen.lettersByReason).flat(),
    'dead letters by page': Object.values(seen.lettersByPage).flat(),
  };
  const isOfPage = (id: string, page: string): boolean =>
    messages.get(id)?.page === page && seen.letterPlaces[id]?.endsWith(` ${messages.get(id)?.lane}`) === true;
  const pages = new Set([...Object.keys(seen.lettersByPage), ...Object.keys(seen.letterPages)]);
  return [
    ...Object.entries(found).flatMap(([what, ids]) =>
      listOf(ids) === all ? [] : [`the ${what} are ${listOf(ids)}, not ${all}`],
    ),
    ...[...letters].flatMap(([id, attempt]) =>
      seen.letterJobs[id]?.['attempt'] === attempt ? [] : [`the dead letter ${id} is of another attempt`],
    ),
    ...Object.entries(seen.lettersByPage).flatMap(([page, ids]) =>
      ids.filter((id) => !isOfPage(id, page)).map((id) => `the dead letter ${id} is none of ${page}`),
    ),
    ...[...pages].flatMap((page) =>
      seen.lettersByPage[page]?.length === seen.letterPages[page] ? [] : [`the letters of ${page} are counted wrong`],
    ),
    ...[...letters.keys()].flatMap((id) => (messages.get(id)?.why === 'dead' ? [] : [`${id} has a letter, and lives`])),
  ];
}
