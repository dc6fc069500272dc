import { readMessage } from '../../shared/reading/message.ts';
import { demand, isSeen } from '../http/permission.ts';
import { recorded } from '../../shared/actions/audit.ts';
import { recorderOf } from '../facts/recorder.ts';
import { changeHold } from '../../shared/actions/change-hold.ts';
import { cancelMessage } from '../../shared/actions/cancel-message.ts';
import { outcomeOfRepair, repair } from '../../shared/actions/repair.ts';
import { nameForeignSettings } from '../../shared/lanes/foreign-settings.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import type { HoldTarget } from '../../shared/lanes/holds/hold.ts';
import { opaqueText } from '../../shared/validation/rules.ts';
import { localPath } from '../http/origin.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { type Flash, leaveFlash } from '../http/flash.ts';
import { shortened } from '../html/format.ts';
import { BadFormError, fieldOf, formOf, idOf } from '../http/forms.ts';

const id = opaqueText(256);

/** Hold, release, cancel and repair, for all pages with buttons for them. */
export function addHoldRoutes(app: DeskApp, deps: DeskDeps): void {
  const { config, session, log } = deps;
  const newDeadline = () => deadlineIn(config.enqueueTimeoutMs);

  for (const change of ['hold', 'release'] as const) {
    app.post(`/${change}`, async (context) => {
      const form = await formOf(context);
      const target = targetOf(form);
      demand(context, change, target.page === undefined ? 'installation' : { page: target.page });
      const { by, who } = context.var.visitor;
      const resultOf = (changed: boolean): string => (changed ? 'done' : 'nothing to change');
      const isChanged = await recorded(
        recorderOf(deps, context.var.visitor, { action: change, ...target }),
        async () => await changeHold(session, config, { change, target }, newDeadline()),
        (changed) => ({ result: resultOf(changed) }),
      );
      const result = resultOf(isChanged);
      log.info({ by, who, action: change, target, result }, `console: ${change}`);
      leaveFlash(context, describeChange(change, nameOf(target), isChanged));
      return context.redirect(localPath(fieldOf(form, 'back')), 303);
    });
  }

  app.post('/repair', async (context) => {
    const form = await formOf(context);
    const { by, who } = context.var.visitor;
    const removed = await recorded(
      recorderOf(deps, context.var.visitor, { action: 'repair' }),
      async () => await repair(session, config, newDeadline()),
      outcomeOfRepair,
    );
    log.info({ by, who, action: 'repair', removed }, 'console: repair');
    const text =
      removed.length === 0
        ? "Nobody has changed BullMQ's settings. Nothing was changed."
        : `Removed: ${nameForeignSettings(removed)}.`;
    leaveFlash(context, { text });
    return context.redirect(localPath(fieldOf(form, 'back')), 303);
  });

  app.post('/cancel', async (context) => {
    const form = await formOf(context);
    const messageId = fieldOf(form, 'id') ?? '';
    const page = (await readMessage(session, config, messageId, newDeadline()))?.pageId ?? null;
    const { by, who } = context.var.visitor;
    const result = isSeen(context, page)
      ? await recorded(
          recorderOf(deps, context.var.visitor, { action: 'cancel', page: page ?? undefined, ids: [messageId] }),
          async () => await cancelMessage(session, config, messageId, newDeadline()),
          (made) => ({ result: made }),
        )
      : 'not-found';
    log.info({ by, who, action: 'cancel', ids: [messageId], result }, 'console: cancel');
    leaveFlash(context, { text: cancelResults[result](shortened(messageId)), isProblem: result !== 'cancelled' });
    return context.redirect(localPath(fieldOf(form, 'back')), 303);
  });
}

/** The form names the scope, so that a lost field can't turn a conversation into its page, or a page into everything. */
function targetOf(form: URLSearchParams): HoldTarget {
  const [page, conversation] = [idOf(form, 'page'), idOf(form, 'conversation')];
  switch (form.get('scope')) {
    case 'all':
      return {};
    case 'page':
      if (id.safeParse(page).success) return { page };
      break;
    case 'conversation':
      if (id.safeParse(page).success && id.safeParse(conversation).success) return { page, conversation };
      break;
    default:
  }
  throw new BadFormError('Nothing was changed: name a page, or a conversation and its page, by id.');
}

function nameOf({ page, conversation }: HoldTarget): string {
  if (page === undefined) return 'Everything';
  return conversation === undefined
    ? `Page ${shortened(page)}`
    : `Conversation ${shortened(conversation)} of page ${shortened(page)}`;
}

function describeChange(change: 'hold' | 'release', name: string, isChanged: boolean): Flash {
  if (change === 'hold') {
    const text = isChanged
      ? `${name} is held: its messages wait, none are dropped, and requests in progress still finish. To undo this, release it.`
      : `${name} was held already. Nothing was changed.`;
    return { text };
  }
  return isChanged
    ? {
        text: `${name} is released: its messages continue, unless another hold applies. To undo this, hold it again.`,
      }
    : { text: `${name} was not held by an operator or for a dead letter. Nothing was changed.`, isProblem: true };
}

const cancelResults = {
  cancelled: (name: string) =>
    `Message ${name} is cancelled and will not be sent. This can't be undone; enqueue the message again if this was a mistake.`,
  'too-late': (name: string) => `Message ${name} is not cancelled: it is being sent, or has ended.`,
  'not-found': (name: string) => `Message ${name} is not cancelled: no such message is known.`,
};
