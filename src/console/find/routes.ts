import { readLane, readPlace } from '../../shared/reading/conversations.ts';
import { demand, isSeen } from '../http/permission.ts';
import { shardOfId } from '../../shared/lanes/key-names.ts';
import { type MessageRecord, readMessage } from '../../shared/reading/message.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { conversationView, findForm, messageView, notFoundView, type PlaceFacts } from './view.ts';
import { fieldOf, idOf } from '../http/forms.ts';
import { show } from '../html/layout.ts';
import { readStory } from './story.ts';
import { NO_KEYS, openSealing } from '../../shared/sealing/sealing.ts';
import { readDeskFleetOf, soon } from '../facts/reading.ts';

const SHOWN_LETTERS = 10;

export function addFindRoutes(app: DeskApp, deps: DeskDeps): void {
  const { config, session, deadLetters } = deps;
  const showContent = config.consoleShowContent;
  const sealing = showContent ? openSealing(config) : NO_KEYS;

  async function placeOf(record: MessageRecord): Promise<PlaceFacts> {
    const { id, pageId, conversationId } = record;
    if (pageId === null || conversationId === null) return { place: null, lane: null };
    const asked = { session, config, pageId, conversationId };
    const [place, lane] = await Promise.all([readPlace({ ...asked, id }, soon()), readLane(asked, soon())]);
    return { place, lane };
  }

  app.get('/find', async (context) => {
    const { searchParams } = new URL(context.req.url);
    const wanted = fieldOf(searchParams, 'q');
    const [pageId, conversationId] = [idOf(searchParams, 'page'), idOf(searchParams, 'conversation')];
    const form = findForm({ id: wanted, page: pageId, conversation: conversationId });
    const view = { title: 'Find', section: 'Find', body: form } as const;
    if (wanted !== undefined) {
      const isPossible = shardOfId(wanted) !== null;
      const record = await readMessage(session, config, wanted, soon());
      if (record === null || !isSeen(context, record.pageId)) {
        return await show(context, { ...view, live: notFoundView(wanted, isPossible), status: 404 });
      }
      const pages = record.pageId === null ? [] : [record.pageId];
      const [place, fleet] = await Promise.all([placeOf(record), readDeskFleetOf(deps, pages)]);
      return await show(context, {
        ...view,
        live: messageView(context, record, { ...place, fleet }),
        summary: `The message is ${record.status}.`,
      });
    }
    if (pageId === undefined || conversationId === undefined) return await show(context, view);
    demand(context, 'look', { page: pageId });
    const lane = await readLane({ session, config, pageId, conversationId }, soon());
    const [story, letters, fleet] = await Promise.all([
      readStory(deps, sealing, { pageId, conversationId }, lane),
      deadLetters.list({ pageId, conversationId, limit: SHOWN_LETTERS }),
      readDeskFleetOf(deps, [pageId]),
    ]);
    return await show(context, {
      ...view,
      live: conversationView(context, { pageId, conversationId, lane, story, showContent, letters, fleet }),
      summary: `${lane.length} messages open in this conversation.`,
    });
  });
}
