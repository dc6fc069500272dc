/** The label of all pages that have none of their own. */
const OTHER_PAGES = 'other';

/**
 * Labels for pages: the first ones that are seen have their own, so that the number of time series stays bounded however many
 * pages there are.
 *
 * @param most how many have their own
 */
export function createPageLabels(most: number): (pageId: string | null) => string {
  const own = new Set<string>();
  return (pageId) => {
    if (pageId === null) return OTHER_PAGES;
    if (own.size < most) own.add(pageId);
    return own.has(pageId) ? pageId : OTHER_PAGES;
  };
}
