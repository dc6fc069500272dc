import type { HtmlEscapedString } from 'hono/utils/html';

/** What the `html` templates of Hono make: markup in which every value was escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;
