/**
 * Finds the key for a page; asked before each attempt, so keep it quick. `undefined` means that there is none (yet): the
 * page's messages wait.
 */
export type ResolveApiKey = (pageId: string) => string | undefined | Promise<string | undefined>;
