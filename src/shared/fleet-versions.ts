/** How many workers run each version, as `0.2.0 (3), 0.2.1 (1)`; `null` if all run the same one. */
export function describeVersions(workers: readonly { version: string }[]): string | null {
  const counts = new Map<string, number>();
  for (const { version } of workers) counts.set(version, (counts.get(version) ?? 0) + 1);
  if (counts.size < 2) return null;
  return Array.from(counts, ([version, count]) => `${version} (${count})`)
    .toSorted()
    .join(', ');
}
