import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { BulkJob } from './bulk-jobs.ts';
import { counted, formatCount } from '../html/format.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { actionButton, badge, csrfField, facts, hiddenFields, notice, time, type Tone } from '../html/parts.ts';

/** What a job would do, for the confirmation. */
export interface BulkPlan {
  what: 'replay' | 'discard';
  /** The selection in words. */
  name: string;
  matched: number;
  expired: number;
  undecodable: number;
  /** The number of entries that may have arrived already. */
  doubtful: number;
  /** The form fields that repeat the selection. */
  fields: Readonly<Record<string, string | undefined>>;
  ids: readonly string[];
}

const HASTE = '50/s';

export function confirmView(context: DeskContext, plan: BulkPlan): Html {
  const { what, name, matched, fields, ids } = plan;
  const letters = counted(matched, 'dead letter');
  if (matched === 0) {
    return html`<p class="empty">
        Nothing to do: no dead letter is selected, or all of them have been sent again or removed meanwhile.
      </p>
      <p><a class="button" href="/dead-letters">Back</a></p>`;
  }
  if (what === 'replay' && plan.undecodable === matched) {
    return html`${undecodableNotice(matched)}
      <p><a class="button" href="/dead-letters">Back</a></p>`;
  }
  return html`<form class="card" method="post" action="/dead-letters/start">
    ${csrfField(context)} ${hiddenFields({ what, ...fields })} ${ids.map((one) => hiddenFields({ id: one }))}
    <p><strong>${letters}</strong>: ${name}</p>
    ${what === 'replay' ? replayTerms(plan) : discardTerms()}
    <div class="actions">
      <button type="submit" class="main">
        ${what === 'replay' ? replayLabel(plan) : `Discard ${letters} permanently`}
      </button>
      <a class="button" href="/dead-letters">Back without changes</a>
    </div>
  </form>`;
}

/** Names the number of entries that are sent without a tick; if all need the tick, the number of those. */
function replayLabel(plan: BulkPlan): string {
  const { sendable, heldBack } = tickCounts(plan);
  return `Replay ${counted(sendable === heldBack ? heldBack : sendable - heldBack, 'dead letter')}`;
}

/** How many entries can be sent, and how many of them only with the tick. */
function tickCounts({ matched, expired, undecodable, doubtful }: BulkPlan): { sendable: number; heldBack: number } {
  return { sendable: matched - undecodable, heldBack: expired + doubtful };
}

function replayTerms(plan: BulkPlan): Html {
  const { expired, undecodable, doubtful } = plan;
  return html`<p>
      Each dead letter is sent again under a new id, the oldest first. It joins the end of its conversation, or the
      front if the conversation is held for it. A replay can't be undone as a whole; messages that still wait can be
      cancelled.
    </p>
    ${expired + doubtful > 0 ? tickTerms(plan) : ''} ${undecodable > 0 ? undecodableNotice(undecodable) : ''}
    <div class="field">
      <label for="rate">Limit, such as ${HASTE} or 300/min (empty: no limit)</label>
      <input id="rate" class="short" name="rate" value="${HASTE}" autocomplete="off" spellcheck="false" />
    </div>`;
}

function tickTerms(plan: BulkPlan): Html {
  const { expired, doubtful } = plan;
  const { sendable, heldBack } = tickCounts(plan);
  const isNothingElse = sendable === heldBack;
  return html`${
      doubtful === 0
        ? ''
        : notice(
            'warn',
            `${formatCount(doubtful)} of these may have arrived already, and would then arrive twice: skipped unless the box is ticked.`,
          )
    }
    ${
      expired === 0
        ? ''
        : notice(
            'warn',
            `${counted(expired, 'expired entry is', 'expired entries are')} skipped unless the box is ticked: too old to be sent.`,
          )
    }
    <label class="choice">
      <input type="checkbox" name="force" value="yes" ${isNothingElse ? html`required` : ''} />
      Send ${tickedWords(plan)}, too${isNothingElse ? '' : `: ${formatCount(sendable)} in total`}
    </label>`;
}

function tickedWords({ expired, doubtful }: BulkPlan): string {
  const late = `the expired ${expired === 1 ? 'entry' : 'entries'}`;
  const twice = 'what may have arrived';
  if (doubtful === 0) return late;
  return expired === 0 ? twice : `${late} and ${twice}`;
}

function undecodableNotice(undecodable: number): Html {
  return notice(
    'warn',
    `${counted(undecodable, 'entry is', 'entries are')} skipped: the stored message can't be read.`,
  );
}

function discardTerms(): Html {
  return html`<p>
    The dead letters are removed permanently, and their messages are never sent. Conversations that are held for one of
    them continue. This can't be undone; to keep a copy, run <code>kitechat-sender dead-letters export</code> first.
  </p>`;
}

const TONES: Record<BulkJob['state'], Tone> = {
  running: 'quiet',
  stopping: 'warn',
  done: 'good',
  stopped: 'warn',
  failed: 'bad',
};

export function jobSummary(job: BulkJob | null): string {
  if (job === null) return 'No job is running.';
  return job.endedAt === null
    ? 'The job is running.'
    : `The job has ended: ${job.state}, ${formatCount(job.progress.done)} done.`;
}

export function jobView(context: DeskContext, job: BulkJob | null): Html {
  if (job === null) {
    return html`<p class="empty">
      No job has run in this process since it started. A job ends when its process ends.
    </p>`;
  }
  const { order, state, startedAt, endedAt, progress, skipped, problem } = job;
  const { total, matched, done } = progress;
  const verb = order.what === 'replay' ? 'Replayed' : 'Discarded';
  return html`<section class="card" aria-labelledby="job">
    <h2 id="job">${order.what === 'replay' ? 'Replay' : 'Discard'}: ${order.name}</h2>
    ${endedAt === null ? progressBar(matched, total) : ''}
    ${facts([
      ['State', badge(state, TONES[state])],
      [verb, done],
      ['Skipped', progress.skipped],
      ['Checked', total === null ? formatCount(matched) : `${formatCount(matched)} of ${formatCount(total)}`],
      ['Started', time(startedAt)],
      endedAt === null ? null : ['Ended', time(endedAt)],
      order.rate === undefined ? null : ['Limit', order.rate],
    ])}
    ${
      Object.keys(skipped).length === 0
        ? ''
        : html`<p>
            Skipped:
            ${Object.entries(skipped)
              .map(([why, count]) => `${formatCount(count)} ${why}`)
              .join(', ')}.
          </p>`
    }
    ${problem === null ? '' : notice('bad', `${problem} Finished entries stay done; start the job again to continue.`)}
    ${
      endedAt === null
        ? html`<p class="hint">The job runs in this process and ends with it. You may leave this page.</p>
            <div class="actions">
              ${may(context, 'replay', 'none') ? actionButton(context, { action: '/dead-letters/job/stop', label: 'Stop', about: 'this job' }) : ''}
            </div>`
        : html`<div class="actions"><a class="button" href="/dead-letters">Dead letters</a></div>`
    }
  </section>`;
}

function progressBar(matched: number, total: number | null): Html {
  return total === null
    ? html`<progress aria-label="Progress"></progress>`
    : html`<progress aria-label="Progress" max="${Math.max(1, total)}" value="${matched}">
        ${matched} of ${total}
      </progress>`;
}

/** The notice on the list while a job changes it. */
export function runningJobNotice(job: BulkJob | null): Html {
  if (job === null || job.endedAt !== null) return html``;
  return notice('warn', html`A ${job.order.what} is running. <a href="/dead-letters/job">Show it, or stop it</a>`);
}
