import type { MessageRecord } from '../../producer/index.ts';
import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { Wait } from '../../shared/reading/waits.ts';
import { textTable } from '../terminal/table.ts';

/** A message of a conversation, and why it waits if it is open. */
export type StoryRecord = MessageRecord & { wait: Wait | null };

/** What became of a message, for people: its attempts, how it ended or why it waits, and its content if the record has it. Pure. */
export function describeMessage(record: StoryRecord): string {
  const lines = [
    ...describeContent(record),
    ...describeAttempts(record.attempts),
    ...describeEnd(record),
    ...describeDoubt(record),
  ];
  return [`${record.enqueuedAt}  ${record.id}  ${record.status}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

function describeContent({ request }: MessageRecord): string[] {
  return request === undefined || request === null ? [] : [JSON.stringify(request.message)];
}

function describeAttempts(attempts: readonly AttemptRecord[]): string[] {
  if (attempts.length === 0) return [];
  return textTable(
    attempts.map(({ at, outcome, httpStatus, durationMs, detail }, n) => [
      `attempt ${n + 1}`,
      at,
      outcome,
      httpStatus === null ? 'no answer' : `HTTP ${httpStatus}`,
      { number: `${Math.round(durationMs)} ms` },
      detail ?? '',
    ]),
  ).split('\n');
}

function describeEnd(record: StoryRecord): string[] {
  const { status, endedAt, proof, provedBy, answer, wait, label } = record;
  const labelled = label === null ? [] : [`label ${label}`];
  const replay = record.replayOf === null ? [] : [`sends ${record.replayOf} again`];
  const again = status === 'dead' && record.replayedAs !== null ? [`sent again as ${record.replayedAs}`] : [];
  const end = endedAt === null ? [] : [`${endOf(record)} at ${endedAt}`];
  const proved = proof === null || proof === 'api' ? [] : [describeProof(status, proof, provedBy)];
  const ids = answer === null ? [] : [`the API's answer: ${JSON.stringify(answer)}`];
  return [...labelled, ...replay, ...end, ...proved, ...ids, ...again, ...(wait === null ? [] : [describeWait(wait)])];
}

/** When an operator found out that a message arrived says nothing of when it did. */
function endOf({ status, proof, ...record }: StoryRecord): string {
  if (status === 'delivered' && proof === 'operator') return 'settled as delivered';
  return 'reason' in record ? `died (${record.reason})` : status;
}

function describeProof(status: MessageRecord['status'], proof: 'hook' | 'operator', provedBy: string | null): string {
  const who = proof === 'hook' ? 'the hook resolveUnknown' : `the operator ${provedBy ?? 'whose name is not known'}`;
  return `${who} found out that it ${status === 'delivered' ? 'arrived' : 'did not arrive'}`;
}

/** What nobody knows: whether attempts without a clear result have arrived. */
function describeDoubt({ status, attempts, proof }: MessageRecord): string[] {
  const unknown = attempts.filter(({ outcome }) => outcome === 'unknown').length;
  if (unknown === 0 || (proof !== null && proof !== 'api')) return [];
  const which = unknown === 1 ? 'one attempt' : `${unknown} attempts`;
  if (status === 'delivered') return [`${which} before had no clear result, so it may have arrived more than once`];
  return [`${which} had no clear result, so nobody knows whether it arrived`];
}

function describeWait(wait: Wait): string {
  switch (wait.kind) {
    case 'scheduled':
      return `scheduled: joins the end of the conversation at ${wait.at ?? 'an unknown time'}`;
    case 'sending':
      return 'is being sent';
    case 'retry':
      return `is tried again at ${wait.at ?? 'an unknown time'}`;
    case 'held':
      return `${describeHold(wait.hold)}; ${wait.at === null ? 'continues when it is released' : `is tried again at ${wait.at}`}`;
    case 'turn':
      return 'is the first of its conversation and waits for its turn';
    case 'behind':
      return wait.id === null ? 'waits behind earlier messages' : `waits behind ${wait.id}`;
  }
}

function describeHold(hold: Hold | null): string {
  if (hold === null) return 'held, because the API or its key is held';
  const whose = hold.scope === 'all' ? 'everything is held' : `its ${hold.scope} is held`;
  return `held, because ${whose} (${hold.letter === undefined ? hold.reason : `dead letter ${hold.letter}`})`;
}
