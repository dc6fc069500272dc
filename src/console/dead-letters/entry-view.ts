import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { DeadLetterRecord } from '../../dead-letters/index.ts';
import type { MessageIssue } from '../../shared/errors/errors.ts';
import { describeArrival, mayHaveArrived } from '../../shared/model/may-have-arrived.ts';
import type { SendRequest } from '../../shared/model/message.ts';
import { attemptTable } from '../html/attempt-table.ts';
import { textsOf } from '../html/hidden-content.ts';
import { formatBytes } from '../html/format.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { reasonBadge } from '../html/letter-table.ts';
import { conversationPath, deadLetterPath, messagePath, pagePath } from '../html/links.ts';
import { actionButton, csrfField, facts, hiddenFields, id, idLink, time } from '../html/parts.ts';

export interface EntryFacts {
  record: DeadLetterRecord;
  showContent: boolean;
  /** The texts of an edit that was refused, and the reasons. */
  refused?: { edits: Readonly<Record<string, string>>; issues: readonly MessageIssue[] };
}

const HOW_TO_SHOW = 'The content is hidden: KITECHAT_CONSOLE_SHOW_CONTENT=true shows it, and lets you edit it.';

export function entryView(context: DeskContext, entry: EntryFacts): Html {
  const { record, showContent } = entry;
  const { pageId, conversationId, response, request } = record;
  const message = request?.message ?? null;
  return html`<section class="card" aria-labelledby="entry">
      <h2 id="entry">Message ${id(record.id)}</h2>
      ${facts([
        ['Reason', reasonBadge(record.reason)],
        ['Died', time(record.deadAt)],
        ['Page', pageId === null ? id(null) : idLink(pageId, pagePath(pageId))],
        [
          'Conversation',
          pageId === null || conversationId === null
            ? id(conversationId)
            : idLink(conversationId, conversationPath(pageId, conversationId)),
        ],
        ['Enqueued', time(record.enqueuedAt)],
        ['Attempts used', `${record.attemptsUsed} of ${record.attemptsAllowed}`],
        ['Label', record.label === null ? html`<span class="none">none</span>` : id(record.label)],
        ['Kept until', time(record.expiresAt)],
        ['Arrived', describeArrival(record)],
        record.resolution === undefined ? null : ['Settled', time(record.resolution.at)],
        record.problem === undefined ? null : ['Problem', record.problem],
        record.replayOf === null ? null : ['Replay of', idLink(record.replayOf, messagePath(record.replayOf))],
      ])}
      <div class="actions">${entryActions(context, record)}</div>
    </section>
    <section class="card" aria-labelledby="answer">
      <h2 id="answer">The API's answer</h2>
      ${response === null ? html`<p class="none">There was none.</p>` : describeAnswer(response, showContent)}
    </section>
    ${attemptTable(record.attempts)}
    <section class="card" aria-labelledby="request">
      <h2 id="request">The request</h2>
      ${describeRequest(context, entry, message)}
    </section>`;
}

/** An answer can quote the message in any encoding, so a console that hides content shows nothing of it. */
function describeAnswer({ httpStatus, body }: NonNullable<DeadLetterRecord['response']>, showContent: boolean): Html {
  if (showContent) {
    return html`<p>HTTP ${httpStatus}</p>
      <pre>${body}</pre>`;
  }
  return html`<p>HTTP ${httpStatus}, ${formatBytes(Buffer.byteLength(body))}</p>
    <p class="hint">
      The answer is hidden, since it can quote the message: KITECHAT_CONSOLE_SHOW_CONTENT=true shows it, and so does
      "kitechat-sender dead-letters show".
    </p>`;
}

function entryActions(context: DeskContext, record: DeadLetterRecord): Html {
  const { id: letterId, pageId, request } = record;
  if (!may(context, 'replay', { page: pageId })) return html``;
  const path = deadLetterPath(letterId);
  const warning = replayWarning(record);
  const replay =
    request === null
      ? html`<p class="none">It can't be sent again: the stored message can't be read.</p>`
      : actionButton(context, {
          action: `${path}/replay`,
          label: 'Replay',
          about: '',
          ...(warning === null ? {} : { fields: { force: 'yes' }, warning, confirm: 'Replay it anyway' }),
        });
  return html`${settleActions(context, record)} ${replay}
  ${actionButton(context, {
    action: `${path}/discard`,
    label: 'Discard',
    about: '',
    warning:
      'The dead letter is removed permanently, and its message is never sent. If its conversation is held for it, the conversation continues.',
    confirm: 'Discard permanently',
  })}`;
}

/** For a message that may have arrived: the two answers of somebody who has found out. */
function settleActions(context: DeskContext, record: DeadLetterRecord): Html {
  const { id: letterId, pageId } = record;
  if (!mayHaveArrived(record) || !may(context, 'settle', { page: pageId })) return html``;
  const action = `${deadLetterPath(letterId)}/settle`;
  return html`${actionButton(context, {
    action,
    label: 'It arrived',
    about: '',
    fields: { outcome: 'delivered' },
    warning:
      "The dead letter becomes a delivered message that you vouch for. If its conversation is held for it, the conversation continues. This can't be undone.",
    confirm: 'Settle as delivered',
  })}
  ${actionButton(context, { action, label: 'It did not arrive', about: '', fields: { outcome: 'not-delivered' } })}`;
}

/** Why a replay needs a confirmation; `null` if it needs none. */
function replayWarning(record: DeadLetterRecord): string | null {
  const late =
    record.reason === 'expired'
      ? 'The message had become too old to be sent. If you replay it, it arrives late.'
      : null;
  const twice = mayHaveArrived(record)
    ? 'It is unknown whether the message arrived. If it did, it arrives twice.'
    : null;
  return late === null || twice === null ? (late ?? twice) : `${late} ${twice}`;
}

function describeRequest(context: DeskContext, entry: EntryFacts, message: SendRequest['message'] | null): Html {
  if (message === null) return html`<p class="none">The stored message can't be read.</p>`;
  const size = formatBytes(Buffer.byteLength(JSON.stringify(message)));
  const shape = facts([
    ['Type', message.type],
    ['Size', size],
  ]);
  if (!entry.showContent) {
    return html`${shape}
      <p class="hint">${HOW_TO_SHOW}</p>`;
  }
  return html`${shape}
    <pre>${JSON.stringify(message, null, 2)}</pre>
    ${may(context, 'edit', { page: entry.record.pageId }) ? editForm(context, entry, message) : ''}`;
}

/** A form to change the texts of the message and send it again. */
function editForm(context: DeskContext, { record, refused }: EntryFacts, message: SendRequest['message']): Html {
  const fields = textsOf(message);
  if (fields.length === 0) return html``;
  return html`<details class="ask" ${refused === undefined ? '' : html`open`}>
    <summary>Edit and replay…</summary>
    <form class="stack edit" method="post" action="${deadLetterPath(record.id)}/replay-edited">
      ${csrfField(context)} ${confirmEdited(record)}
      ${(refused?.issues ?? []).map(
        ({ path, message: problem }) => html`<p class="notice bad" role="alert">${path}: ${problem}</p>`,
      )}
      ${fields.map(({ path, text }, index) => editField({ path, text: refused?.edits[path] ?? text, index }))}
      <p class="hint">
        The message is validated as a whole; if it breaks a rule, nothing is changed. It gets a new id.
      </p>
      <div><button type="submit" class="main">Replay with these texts</button></div>
    </form>
  </details>`;
}

/** A message that may have arrived needs a tick; of one that expired, the warning beside the form is enough. */
function confirmEdited(record: DeadLetterRecord): Html {
  if (mayHaveArrived(record)) {
    return html`<label class="choice">
      <input type="checkbox" name="force" value="yes" required />
      Send it although it may have arrived already
    </label>`;
  }
  return record.reason === 'expired' ? hiddenFields({ force: 'yes' }) : html``;
}

/** Browsers drop the first line break after the tag, so an extra one is written there. */
function editField({ path, text, index }: { path: string; text: string; index: number }): Html {
  const rows = Math.min(12, Math.max(2, text.split('\n').length + Math.floor(text.length / 90)));
  return html`<div class="field">
    <label for="edit-${index}">${path}</label>
    <textarea id="edit-${index}" name="set:${path}" rows="${rows}" spellcheck="false">${'\n'}${text}</textarea>
  </div>`;
}
