import type { DeadLetterFilter } from '../../dead-letters/index.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import type { Target } from '../rights/rights.ts';
import { fieldOf, idOf } from '../http/forms.ts';

/** The filter in a form, and the problems of fields that can't be understood. */
export interface AskedFilter {
  filter: DeadLetterFilter;
  problems: string[];
}

/** `2026-11-22T03:00`, as a form field sends it, or a full ISO time. Without a zone it is UTC. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z?$/;

export function filterOf(form: URLSearchParams): AskedFilter {
  const problems: string[] = [];

  function reasonOf(): DeadReason | undefined {
    const text = fieldOf(form, 'reason');
    if (text === undefined || isReason(text)) return text;
    problems.push(`The reason must be one of ${deadReasons.join(', ')}.`);
    return undefined;
  }

  function timeOf(name: 'since' | 'until'): Date | undefined {
    const text = fieldOf(form, name);
    if (text === undefined) return undefined;
    const time = new Date(text.endsWith('Z') ? text : `${text}Z`);
    if (TIME.test(text) && !Number.isNaN(time.getTime())) return time;
    problems.push(`The time "${name}" must look like 2026-11-22T03:00, in UTC.`);
    return undefined;
  }

  const filter: DeadLetterFilter = {
    reason: reasonOf(),
    pageId: idOf(form, 'page'),
    conversationId: idOf(form, 'conversation'),
    label: idOf(form, 'label'),
    since: timeOf('since'),
    until: timeOf('until'),
  };
  return { filter, problems };
}

/** What a filter is about. */
export function targetOf({ pageId }: DeadLetterFilter): Target {
  return pageId === undefined ? 'installation' : { page: pageId };
}

/** The fields of a form or a query for this filter. */
export function filterFields(filter: DeadLetterFilter): Record<string, string | undefined> {
  return {
    reason: filter.reason,
    page: filter.pageId,
    conversation: filter.conversationId,
    label: filter.label,
    since: filter.since?.toISOString(),
    until: filter.until?.toISOString(),
  };
}

export function isNarrowed(filter: DeadLetterFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

/** `reason rejected, page p1, died since 2026-11-22 03:00 UTC`, for a sentence. */
export function describeFilter({ since, until, ...rest }: DeadLetterFilter): string {
  const parts = Object.entries(filterFields(rest)).flatMap(([name, value]) => (value ? [`${name} ${value}`] : []));
  if (since !== undefined) parts.push(`died since ${describeTime(since)}`);
  if (until !== undefined) parts.push(`died before ${describeTime(until)}`);
  return parts.length === 0 ? 'all' : parts.join(', ');
}

/** A time in UTC, without seconds if they are 0. */
function describeTime(time: Date): string {
  const [day = '', clock = ''] = time.toISOString().split('T');
  return `${day} ${clock.slice(0, clock.slice(6, 8) === '00' ? 5 : 8)} UTC`;
}

function isReason(text: string): text is DeadReason {
  return (deadReasons as readonly string[]).includes(text);
}
