import { type Hold, lacksKey } from '../../shared/reading/holds.ts';
import { formatDuration, formatRelative, shortened } from '../html/format.ts';
import { conversationPath, deadLetterPath, pagePath } from '../html/links.ts';
import type { Matter } from '../html/matter.ts';

type OfCircuit = Exclude<Hold['reason'], 'no-encryption-key' | 'operator' | 'dead-letter' | 'restored'>;

/** What a hold by the fleet itself affects, and what to do about it. */
interface Words {
  what: string;
  advice: string;
}

const WORKS_AGAIN = 'No attempt is used; sending continues by itself when a probe succeeds.';
const ACCEPTED_AGAIN = 'Sending continues by itself when the API accepts a message.';
const OWN_LIMIT = 'No attempt is used. A limit below the API\'s own costs less: "kitechat-sender limits set".';

/** Words of a hold of the whole API. */
const ofApi: Record<OfCircuit, Words> = {
  'api-down': { what: 'The API is down', advice: WORKS_AGAIN },
  'rate-limited': { what: 'The API limits all messages', advice: OWN_LIMIT },
  unauthorized: { what: 'The API refuses all keys', advice: `Give the workers keys that work. ${ACCEPTED_AGAIN}` },
  refusing: {
    what: 'The API refuses everything',
    advice: `Check KITECHAT_API_URL and what the API answers. ${ACCEPTED_AGAIN}`,
  },
};

/** Returns the words of a hold of one key. @param source where the key comes from */
function ofKey(reason: OfCircuit, source: string | undefined): Words {
  switch (reason) {
    case 'api-down':
      return { what: 'Everything fails with one API key', advice: `Only its pages wait. ${WORKS_AGAIN}` };
    case 'rate-limited':
      return { what: 'The API limits one key', advice: `Only its pages are slowed down. ${OWN_LIMIT}` };
    case 'unauthorized':
      return {
        what: 'The API refuses a key',
        advice: `Only its pages wait, and no attempt is used. ${howToReplace(source)}, or have the API accept it again.`,
      };
    case 'refusing':
      return {
        what: 'The API refuses every message with one API key',
        advice: `Only its pages wait. Check what the API answers, and the account of the key. ${ACCEPTED_AGAIN}`,
      };
  }
}

function howToReplace(source: string | undefined): string {
  if (source === undefined) return 'Replace the key';
  if (source === 'KITECHAT_API_KEY') return `Replace the key in ${source} and restart the workers`;
  return source.startsWith('KITECHAT_')
    ? `Replace the key in the file of ${source}, which the workers reread by themselves`
    : `Have the hook ${source} return a key that works`;
}

/** Returns the words of a hold of a page that has a key. */
function ofPage(reason: OfCircuit, page: string): Words {
  switch (reason) {
    case 'api-down':
      return {
        what: `Everything fails on page ${page}`,
        advice:
          'Only this page waits. Messages that have failed before use their attempts; the others wait. Sending continues by itself when a message succeeds.',
      };
    case 'rate-limited':
      return { what: `The API limits page ${page}`, advice: `Only this page is slowed down. ${OWN_LIMIT}` };
    case 'unauthorized':
      return {
        what: `The API refuses page ${page}`,
        advice: `Only this page waits, and no attempt is used. Check what its API key may do. ${ACCEPTED_AGAIN}`,
      };
    case 'refusing':
      return {
        what: `The API refuses every message of page ${page}`,
        advice: `Only this page waits. Check what the API answers, and whether it knows the page. ${ACCEPTED_AGAIN}`,
      };
  }
}

/** What a hold affects, why, since when, and what ends it. Pure. */
export function matterOfHold(hold: Hold, nowMs: number): Matter {
  const { scope, page = '', conversation = '', reason, letter } = hold;
  if (reason === 'restored') return matterOfRestore(hold);
  if (reason === 'no-encryption-key') return matterOfKeyless(hold, nowMs);
  if (reason !== 'operator' && reason !== 'dead-letter') return matterOfCircuit(hold, reason, nowMs);
  if (scope === 'all') {
    return {
      tone: 'bad',
      what: 'Everything is held',
      why: 'An operator stopped all sending. No message is dropped; sending continues when everything is released.',
      link: { href: '#everything', label: 'Release everything' },
    };
  }
  if (scope === 'page') {
    const why = 'An operator stopped this page; its messages wait until it is released.';
    return { tone: 'bad', what: `Page ${shortened(page)} is held`, why, link: linkTo(page) };
  }
  return {
    tone: 'bad',
    what: `Conversation ${shortened(conversation)} of page ${shortened(page)} is held`,
    why:
      reason === 'dead-letter'
        ? 'One of its messages died. Replay or discard that dead letter, or release the conversation.'
        : 'An operator stopped this conversation; its messages wait until it is released.',
    link:
      letter === undefined
        ? { href: conversationPath(page, conversation), label: `Conversation ${shortened(conversation)}` }
        : { href: deadLetterPath(letter), label: 'The dead letter' },
  };
}

function matterOfRestore({ evidence = '' }: Hold): Matter {
  return {
    tone: 'bad',
    what: 'Everything is held: Redis has gone back in time',
    why: `${evidence}. Cancel the messages that arrived, then release everything: the others are sent.`,
    link: { href: '#everything', label: 'Release everything' },
  };
}

function matterOfCircuit(hold: Hold, reason: OfCircuit, nowMs: number): Matter {
  const { scope, page = '', pages = [], pageCount = pages.length, keySource } = hold;
  const tone = reason === 'rate-limited' ? 'warn' : 'bad';
  const why = ({ advice }: Words): string => `${evidenceOf(hold, nowMs)} ${nextOf(hold, nowMs)} ${advice}`;
  if (scope === 'conversation') return matterOfConversation(hold, nowMs);
  if (scope === 'page') {
    const link = linkTo(page);
    if (lacksKey(hold)) return { tone, ...withoutKey(hold, nowMs), link };
    const words = ofPage(reason, shortened(page));
    return { tone, what: words.what, why: why(words), link };
  }
  const words = scope === 'key' ? ofKey(reason, keySource) : ofApi[reason];
  const link = reason === 'refusing' ? { href: '/dead-letters?reason=rejected', label: 'What the API answered' } : null;
  const matter = { tone, what: words.what, why: why(words), link } as const;
  return scope === 'key' ? { ...matter, pages: { named: pages, count: pageCount } } : matter;
}

/** A conversation that waits because of an answer to its own message. */
function matterOfConversation(hold: Hold, nowMs: number): Matter {
  const { page = '', conversation = '', evidence = '', since, until } = hold;
  const again = until === undefined ? 'now' : relative(until, nowMs);
  return {
    tone: 'warn',
    what: `Conversation ${shortened(conversation)} of page ${shortened(page)} waits`,
    why: `${capitalised(evidence)}, held${durationOf(since, nowMs)}. Only this conversation waits, and no attempt is used; it is tried again ${again}.`,
    link: { href: conversationPath(page, conversation), label: `Conversation ${shortened(conversation)}` },
  };
}

/** A conversation whose first message is encrypted with a key that a worker lacks. */
function matterOfKeyless(hold: Hold, nowMs: number): Matter {
  const matter = matterOfConversation(hold, nowMs);
  return { ...matter, why: `${matter.why} Give the key to all workers; they read the file again by themselves.` };
}

function linkTo(page: string): Matter['link'] {
  return { href: pagePath(page), label: `Page ${shortened(page)}` };
}

/** `HTTP 401 from 1 conversation with key 3fAb of KITECHAT_API_KEYS_FILE, held for 12 min.` */
function evidenceOf(
  { evidence = 'Requests failed', page, key, keySource, reason, since }: Hold,
  nowMs: number,
): string {
  const shown = page === undefined ? evidence : evidence.replace(page, () => shortened(page));
  const source = keySource === undefined ? '' : ` of ${keySource}`;
  const withKey = key === undefined ? '' : ` with key ${key}${source}`;
  return `${capitalised(shown)}${withKey}, ${reason === 'rate-limited' ? 'limited' : 'held'}${durationOf(since, nowMs)}.`;
}

function durationOf(since: string | undefined, nowMs: number): string {
  return since === undefined ? '' : ` for ${formatDuration(Math.max(0, nowMs - Date.parse(since)))}`;
}

function nextOf({ until, isPaced }: Hold, nowMs: number): string {
  if (isPaced) {
    return until === undefined
      ? 'Messages leave at a pace that rises slowly.'
      : `Messages leave again ${relative(until, nowMs)}, at a pace that rises slowly.`;
  }
  return until === undefined ? 'The next probe is due.' : `The next probe is sent ${relative(until, nowMs)}.`;
}

function withoutKey({ page = '', evidence = '', since, until }: Hold, nowMs: number): Pick<Matter, 'what' | 'why'> {
  const name = shortened(page);
  const isMissing = evidence.startsWith('there is no ');
  const problem = capitalised(evidence.replace('this page', () => `page ${name}`));
  const cure = isMissing
    ? 'add it to KITECHAT_API_KEYS_FILE, or have the hook resolveApiKey return one'
    : 'correct it in KITECHAT_API_KEYS_FILE, or in the hook resolveApiKey';
  const again = until === undefined ? 'now' : relative(until, nowMs);
  return {
    what: `Page ${name} has no API key${isMissing ? '' : ' that can be used'}`,
    why: `${problem}: ${cure}. No attempt is used. The page has been held${durationOf(since, nowMs)}; workers look for a key again ${again}, and the page then continues by itself.`,
  };
}

function relative(until: string, nowMs: number): string {
  return formatRelative(Date.parse(until), nowMs);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
