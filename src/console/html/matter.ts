import { html } from 'hono/html';
import { formatCount, shortened } from './format.ts';
import type { Html } from './layout.ts';
import { pagePath } from './links.ts';
import { badge } from './parts.ts';

/** Something that needs an operator's attention, with a link to it. */
export interface Matter {
  tone: 'bad' | 'warn';
  /** The problem. */
  what: string;
  /** The cause or the consequence, and what to do. */
  why: string;
  link: { href: string; label: string } | null;
  /** The pages that wait because of it, if they share more than the API: some of them by name, and their number. */
  pages?: { named: readonly string[]; count: number };
}

/** A matter as an item of a list. @param word what its badge says */
export function matterItem({ tone, what, why, link, pages }: Matter, word: string): Html {
  return html`<li class="${tone}">
    ${badge(word, tone)} <strong>${what}.</strong> <span class="why">${why}</span>
    ${pages === undefined || pages.count === 0 ? '' : pageLinks(pages)}
    ${link === null ? '' : html`<a href="${link.href}">${link.label}</a>`}
  </li>`;
}

function pageLinks({ named, count }: NonNullable<Matter['pages']>): Html {
  const more = count - named.length;
  return html`<span class="pages"
    >${count === 1 ? 'Page:' : 'Pages:'}
    ${named.map(
      (page, index) =>
        html`${index === 0 ? '' : ', '}<a href="${pagePath(page)}" title="${page}"><bdi>${shortened(page)}</bdi></a>`,
    )}${more > 0 ? ` and ${formatCount(more)} more` : ''}.</span
  >`;
}
