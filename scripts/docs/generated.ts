/** Stands at the top of every page that is written by a script. */
export const GENERATED = '<!-- Written by scripts/docs.ts: change what it is made from, not this page. -->';
