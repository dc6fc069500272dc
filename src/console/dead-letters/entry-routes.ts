import { html } from 'hono/html';
import type { DeadLetterRecord, DiscardResult, ReplayResult, SettleResult } from '../../dead-letters/index.ts';
import { isSeen } from '../http/permission.ts';
import { recorded, type Recorder } from '../../shared/actions/audit.ts';
import { recorderOf } from '../facts/recorder.ts';
import { InvalidMessageError } from '../../shared/errors/errors.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { textsOf } from '../html/hidden-content.ts';
import { type EntryFacts, entryView } from './entry-view.ts';
import { type Flash, leaveFlash } from '../http/flash.ts';
import { shortened } from '../html/format.ts';
import { BadFormError, formOf } from '../http/forms.ts';
import { type DeskContext, show } from '../html/layout.ts';
import { deadLetterPath, messagePath } from '../html/links.ts';
import { id, notice } from '../html/parts.ts';

const SET = 'set:';

/** Routes for one dead letter: show, replay, edit, discard and settle. */
export function addEntryRoutes(app: DeskApp, deps: DeskDeps): void {
  const { config, deadLetters, log } = deps;
  const showContent = config.consoleShowContent;

  app.get('/dead-letters/:id', async (context) => {
    const wanted = context.req.param('id');
    const record = await readSeen(context, wanted);
    return record === null ? await showGone(context, wanted) : await showEntry(context, { record, showContent });
  });

  app.post('/dead-letters/:id/replay', async (context) => {
    const form = await formOf(context);
    return await replay(context, await readSeen(context, context.req.param('id')), {
      force: form.get('force') === 'yes',
    });
  });

  app.post('/dead-letters/:id/replay-edited', async (context) => {
    if (!showContent) {
      throw new BadFormError('The content of messages is hidden here, so it can not be edited. Nothing was changed.');
    }
    const form = await formOf(context);
    const record = await readSeen(context, context.req.param('id'));
    if (record === null) return await showGone(context, context.req.param('id'));
    const edits = editsOf(form, record);
    try {
      return await replay(context, record, { force: form.get('force') === 'yes', set: edits });
    } catch (error) {
      if (!(error instanceof InvalidMessageError)) throw error;
      return await showEntry(context, { record, showContent, refused: { edits, issues: error.issues } });
    }
  });

  app.post('/dead-letters/:id/discard', async (context) => {
    const letterId = context.req.param('id');
    const record = await readSeen(context, letterId);
    const { done, skipped } =
      record === null
        ? notFound(letterId)
        : await recorded(
            recorderFor(context, record, 'discard'),
            async () => await deadLetters.discard({ ids: [letterId] }),
            (made) => ({ result: resultOf(made.done, made.skipped) }),
          );
    tell(context, { action: 'discard', letterId, result: resultOf(done, skipped) });
    const name = shortened(letterId);
    leaveFlash(
      context,
      done === 1
        ? { text: `Dead letter ${name} is discarded. This can't be undone.` }
        : { text: `Dead letter ${name} is not discarded: it no longer existed.`, isProblem: true },
    );
    return context.redirect('/dead-letters', 303);
  });

  app.post('/dead-letters/:id/settle', async (context) => {
    const letterId = context.req.param('id');
    const outcome = outcomeIn(await formOf(context));
    const record = await readSeen(context, letterId);
    const { by } = context.var.visitor;
    const { done, skipped } =
      record === null
        ? notFound(letterId)
        : await recorded(
            recorderFor(context, record, `settle as ${outcome}`),
            async () => await deadLetters.settle({ id: letterId, outcome, by }),
            (made) => ({ result: resultOf(made.done, made.skipped) }),
          );
    const result = resultOf(done, skipped);
    tell(context, { action: `settle as ${outcome}`, letterId, result });
    leaveFlash(context, describeSettling(letterId, outcome, { done, result }));
    return context.redirect(
      done === 1 && outcome === 'delivered' ? messagePath(letterId) : deadLetterPath(letterId),
      303,
    );
  });

  /** A dead letter; `null` if there is none, or none that the visitor sees. */
  async function readSeen(context: DeskContext, letterId: string): Promise<DeadLetterRecord | null> {
    const record = await deadLetters.get(letterId);
    return record !== null && isSeen(context, record.pageId) ? record : null;
  }

  async function replay(
    context: DeskContext,
    record: DeadLetterRecord | null,
    { force, set = {} }: { force: boolean; set?: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const letterId = context.req.param('id') ?? '';
    let newId: string | undefined;
    const edit = Object.keys(set).length > 0 ? { set } : {};
    const onReplayed = (_old: string, replayed: string): string => (newId = replayed);
    const { done, skipped } =
      record === null
        ? notFound(letterId)
        : await recorded(
            recorderFor(context, record, Object.keys(set).length > 0 ? 'edit and replay' : 'replay'),
            async () => await deadLetters.replay({ ids: [letterId], force, ...edit, onReplayed }),
            (made) => ({ result: resultOf(made.done, made.skipped) }),
          );
    tell(context, { action: 'replay', letterId, result: resultOf(done, skipped), newId, edited: Object.keys(set) });
    leaveFlash(context, describeReplay(letterId, newId, skipped));
    return context.redirect(newId === undefined ? deadLetterPath(letterId) : '/dead-letters', 303);
  }

  function recorderFor(context: DeskContext, { id: letterId, pageId }: DeadLetterRecord, action: string): Recorder {
    return recorderOf(deps, context.var.visitor, { action, page: pageId ?? undefined, ids: [letterId] });
  }

  function tell(
    context: DeskContext,
    {
      letterId,
      ...line
    }: { action: string; letterId: string; result: string; newId?: string | undefined; edited?: string[] },
  ): void {
    const { by, who } = context.var.visitor;
    log.info({ by, who, ids: [letterId], ...line }, `console: ${line.action}`);
  }
}

async function showEntry(context: DeskContext, entry: EntryFacts): Promise<Response> {
  return await show(context, {
    title: 'Dead letter',
    section: 'Dead letters',
    status: entry.refused === undefined ? 200 : 422,
    after: html`${entryView(context, entry)}`,
  });
}

async function showGone(context: DeskContext, wanted: string): Promise<Response> {
  return await show(context, {
    title: 'Dead letter',
    section: 'Dead letters',
    status: 404,
    body: html`${notice('warn', html`There is no dead letter ${id(wanted)}: it was sent again, discarded or removed because of its age, or the id is wrong.`)}
      <p><a href="/dead-letters">All dead letters</a> · <a href="${messagePath(wanted)}">Find the message</a></p>`,
  });
}

/** Only the changed texts. Line breaks are compared as LF, since browsers send those of a text field as CR LF. */
function editsOf(form: URLSearchParams, { request }: DeadLetterRecord): Record<string, string> {
  const plain = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  const stored = new Map(request === null ? [] : textsOf(request.message).map(({ path, text }) => [path, text]));
  const sent = [...form].flatMap(([name, text]) =>
    name.startsWith(SET) ? [[name.slice(SET.length), plain(text)] as const] : [],
  );
  return Object.fromEntries(sent.filter(([path, text]) => text !== plain(stored.get(path) ?? '')));
}

function notFound(letterId: string): { done: number; skipped: { id: string; why: 'not found' }[] } {
  return { done: 0, skipped: [{ id: letterId, why: 'not found' }] };
}

function resultOf(done: number, skipped: (ReplayResult | DiscardResult | SettleResult)['skipped']): string {
  return done === 1 ? 'done' : (skipped[0]?.why ?? 'nothing to do');
}

function outcomeIn(form: URLSearchParams): 'delivered' | 'not-delivered' {
  const outcome = form.get('outcome');
  if (outcome === 'delivered' || outcome === 'not-delivered') return outcome;
  throw new BadFormError('Choose whether the message arrived. Nothing was changed.');
}

function describeSettling(
  letterId: string,
  outcome: 'delivered' | 'not-delivered',
  { done, result }: { done: number; result: string },
): Flash {
  const name = shortened(letterId);
  if (done === 0) return { text: `Nothing was noted about dead letter ${name}: ${result}.`, isProblem: true };
  return outcome === 'delivered'
    ? { text: `Message ${name} is settled as delivered: it is a dead letter no longer. This can't be undone.` }
    : { text: `Dead letter ${name} is settled as not delivered. You can replay it.` };
}

function describeReplay(letterId: string, newId: string | undefined, skipped: ReplayResult['skipped']): Flash {
  if (newId !== undefined) {
    return {
      text: `Dead letter ${shortened(letterId)} is sent again as message ${newId}. To undo this, cancel that message while it waits.`,
      link: { href: messagePath(newId), label: 'Show the message' },
    };
  }
  return {
    text: `Dead letter ${shortened(letterId)} is not sent again: ${skipped[0]?.why ?? 'not found'}.`,
    isProblem: true,
  };
}
