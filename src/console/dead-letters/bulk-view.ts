import { html } from 'hono/html';
import type { BulkJob } from './bulk-jobs.ts';
import { counted, formatCount } from '../html/format.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { actionButton, badge, csrfField, facts, hiddenFields, notice, time, type Tone } from '../html/parts.ts';

/** What would happen, before it does. */
export interface BulkPlan {
  what: 'replay' | 'discard';
  /** The selection in words. */
  name: string;
  matched: number;
  expired: number;
  undecodable: number;
  unknownOutcome: number;
  /** The fields that say the selection again. */
  fields: Readonly<Record<string, string | undefined>>;
  ids: readonly string[];
}

const HASTE = '50/s';

export function confirmView(context: DeskContext, plan: BulkPlan): Html {
  const { what, name, matched, fields, ids } = plan;
  const letters = counted(matched, 'dead letter');
  if (matched === 0) {
    return html`<p class="empty">
        Nothing is left to do: no dead letter is selected, or all were sent again or removed meanwhile.
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
        ${what === 'replay' ? replayLabel(plan) : `Discard ${letters} for good`}
      </button>
      <a class="button" href="/dead-letters">Back, change nothing</a>
    </div>
  </form>`;
}

/** How many are sent, without those that must be asked for; if there are no others, these. */
function replayLabel({ matched, expired, undecodable }: BulkPlan): string {
  const sendable = matched - undecodable;
  return `Replay ${counted(sendable === expired ? expired : sendable - expired, 'dead letter')}`;
}

function replayTerms(plan: BulkPlan): Html {
  const { expired, undecodable, unknownOutcome } = plan;
  return html`<p>
      Each is sent again under a new id, the oldest first. It joins the end of its conversation, or its front if it
      holds that. A replay can't be taken back as a whole; what still waits can be cancelled.
    </p>
    ${expired > 0 ? expiredTerms(plan) : ''} ${undecodable > 0 ? undecodableNotice(undecodable) : ''}
    ${
      unknownOutcome > 0
        ? notice(
            'warn',
            unknownOutcome === 1
              ? '1 may have arrived (unknown-outcome): if it did, it arrives twice.'
              : `${formatCount(unknownOutcome)} may have arrived (unknown-outcome): those that did will arrive twice.`,
          )
        : ''
    }
    <div class="field">
      <label for="rate">At most, such as ${HASTE} or 300/min (empty: as fast as it goes)</label>
      <input id="rate" class="short" name="rate" value="${HASTE}" autocomplete="off" spellcheck="false" />
    </div>`;
}

function expiredTerms({ matched, expired, undecodable }: BulkPlan): Html {
  const sendable = matched - undecodable;
  const isNothingElse = sendable === expired;
  return html`${notice('warn', `${counted(expired, 'expired one is', 'expired ones are')} left out unless the box is ticked: too old to be sent.`)}
    <label class="choice">
      <input type="checkbox" name="force" value="yes" ${isNothingElse ? html`required` : ''} />
      Send the expired ${expired === 1 ? 'one' : 'ones'},
      too${isNothingElse ? '' : `: then ${formatCount(sendable)} in all`}
    </label>`;
}

function undecodableNotice(undecodable: number): Html {
  return notice('warn', `${counted(undecodable, 'one is', 'ones are')} left out: what was stored can't be read.`);
}

function discardTerms(): Html {
  return html`<p>
    They are removed for good and their messages are never sent. Conversations that one of them holds go on. This can't
    be undone; <code>kitechat-sender dead-letters export</code> keeps a copy.
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
  if (job === null) return 'No job is under way.';
  return job.endedAt === null
    ? 'The job is under way.'
    : `The job has ended: ${job.state}, ${formatCount(job.progress.done)} done.`;
}

export function jobView(context: DeskContext, job: BulkJob | null): Html {
  if (job === null) {
    return html`<p class="empty">
      Nothing is under way in this process, and nothing was since it started. A job ends when its process ends.
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
      ['Left out', progress.skipped],
      ['Looked at', total === null ? formatCount(matched) : `${formatCount(matched)} of ${formatCount(total)}`],
      ['Started', time(startedAt)],
      endedAt === null ? null : ['Ended', time(endedAt)],
      order.rate === undefined ? null : ['At most', order.rate],
    ])}
    ${
      Object.keys(skipped).length === 0
        ? ''
        : html`<p>
            Left out:
            ${Object.entries(skipped)
              .map(([why, count]) => `${formatCount(count)} ${why}`)
              .join(', ')}.
          </p>`
    }
    ${problem === null ? '' : notice('bad', `${problem} What was done before is done; begin it again to go on.`)}
    ${
      endedAt === null
        ? html`<p class="hint">It runs in this process and ends with it. You may leave this page.</p>
            <div class="actions">
              ${actionButton(context, { action: '/dead-letters/job/stop', label: 'Stop', about: 'this job' })}
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

/** On the list, while a job changes it. */
export function runningJobNotice(job: BulkJob | null): Html {
  if (job === null || job.endedAt !== null) return html``;
  return notice('warn', html`A ${job.order.what} is under way. <a href="/dead-letters/job">Look at it, or stop it</a>`);
}
