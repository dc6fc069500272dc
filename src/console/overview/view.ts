import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { Status } from '../../shared/reading/status.ts';
import type { TrafficBucket } from '../../shared/reading/traffic.ts';
import { counted, formatCount, formatDuration, formatRate } from '../html/format.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { type Matter, matterItem } from '../html/matter.ts';
import { actionButton, badge } from '../html/parts.ts';

export interface OverviewFacts {
  status: Status;
  matters: readonly Matter[];
  /** The last half minute. */
  traffic: readonly TrafficBucket[];
}

export function overviewSummary(matters: readonly Matter[]): string {
  return matters.length === 0
    ? 'Nothing needs attention.'
    : `${counted(matters.length, 'thing needs', 'things need')} attention.`;
}

export function overviewLive(context: DeskContext, { status, matters, traffic }: OverviewFacts): Html {
  return html`<section class="stack" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul class="attention">
        ${
          matters.length === 0
            ? html`<li class="good">
                ${badge('fine', 'good')} Nothing needs attention: workers run, nothing is held, nothing died in the last
                hour.
              </li>`
            : matters.map((matter) => matterItem(matter, matter.tone === 'bad' ? 'problem' : 'watch'))
        }
      </ul>
    </section>
    <section class="stack" aria-labelledby="numbers">
      <h2 id="numbers">Messages</h2>
      ${numbers(status, traffic)}
    </section>
    ${may(context, 'hold', 'installation') ? everything(context, status) : ''}
    ${status.foreignSettings !== undefined && may(context, 'repair', 'installation') ? foreignSettings(context) : ''}`;
}

function numbers(status: Status, traffic: readonly TrafficBucket[]): Html {
  const delivered = mean(traffic.map(({ perSecond }) => perSecond.delivered)) ?? 0;
  const latency = (values: (number | null)[]): string => {
    const known = mean(values.flatMap((value) => value ?? []));
    return known === null ? '–' : formatDuration(known);
  };
  const entries: [name: string, value: Html | string, href?: string][] = [
    ['Delivered per second', formatRate(delivered)],
    ['Queued', formatCount(status.queued), '/pages'],
    ['Sending', formatCount(status.sending), '/workers'],
    ['Retrying', formatCount(status.retrying), '/pages'],
    ['Held', formatCount(status.held), '/pages'],
    ['Scheduled', formatCount(status.scheduled)],
    ['Dead', formatCount(status.dead), '/dead-letters'],
    ['Oldest waiting', status.queued === 0 ? '–' : formatDuration(status.oldestQueuedMs), '/pages'],
    ['Latency p50', latency(traffic.map(({ p50Ms }) => p50Ms))],
    ['Latency p95', latency(traffic.map(({ p95Ms }) => p95Ms))],
  ];
  return html`<dl class="numbers">
    ${entries.map(
      ([name, value, href]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${href === undefined ? value : html`<a href="${href}">${value}</a>`}</dd>
        </div>`,
    )}
  </dl>`;
}

function everything(context: DeskContext, { holds }: Status): Html {
  const isHeld = holds.some(({ scope }) => scope === 'all');
  const fields = { scope: 'all', back: '/' };
  return html`<section class="card" id="everything" aria-labelledby="everything-title">
    <h2 id="everything-title">All sending</h2>
    <div class="actions">
      ${
        isHeld
          ? actionButton(context, {
              action: '/release',
              label: 'Release everything',
              about: '',
              fields,
              warning:
                'All pages continue at once, as fast as their limits allow. Pages and conversations with holds of their own stay held.',
            })
          : actionButton(context, {
              action: '/hold',
              label: 'Hold everything',
              about: '',
              fields,
              warning:
                'No message is sent until everything is released. None are dropped, and requests in progress still finish. Messages that become too old meanwhile expire.',
            })
      }
    </div>
  </section>`;
}

function foreignSettings(context: DeskContext): Html {
  return html`<section class="card" id="settings" aria-labelledby="settings-title">
    <h2 id="settings-title">BullMQ's settings</h2>
    <div class="actions">
      ${actionButton(context, {
        action: '/repair',
        label: 'Remove the settings',
        about: '',
        fields: { back: '/' },
        warning: 'They have no effect on the workers. When they are removed, the next change of others is seen.',
      })}
    </div>
  </section>`;
}

/** The charts, which the script draws; without it the numbers above show the current values. */
export function chartCards(): Html {
  const charts = [
    { title: 'Delivered per second', unit: '/s', series: 'delivered:Delivered:good' },
    { title: 'Failures per second', unit: '/s', series: 'failed:Failed attempts:warn,dead:Dead:bad:6 4' },
    { title: 'Latency', unit: 'ms', series: 'p50:p50:accent,p95:p95:muted:6 4' },
  ];
  return html`<section class="stack" aria-labelledby="charts">
    <h2 id="charts">The last 15 minutes</h2>
    <div class="columns">
      ${charts.map(
        ({ title, unit, series }) =>
          html`<div class="card">
            <h3>${title}</h3>
            <div
              class="chart"
              role="img"
              aria-label="${title}"
              data-title="${title}"
              data-unit="${unit}"
              data-series="${series}"
            ></div>
          </div>`,
      )}
    </div>
  </section>`;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length;
}
