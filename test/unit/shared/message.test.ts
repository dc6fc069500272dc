import { describe, expect, it } from 'vitest';

import type { MessageIssue } from '../../../src/shared/errors/errors.ts';
import { parseSendRequest } from '../../../src/shared/model/message.ts';

const URL_OF_FILE = 'https://example.com/file.png';
const header = { type: 'text', text: 'Hello' };
const reply = { type: 'quick_replies', text: 'Yes', payload: 'YES' };
const link = { type: 'web_url', text: 'Open', url: 'http://example.com' };

function withMessage(message: unknown): unknown {
  return { pageId: 'p1', conversationId: 'c1', message };
}

function withTemplate(template: unknown): unknown {
  return withMessage({ type: 'template', template });
}

function issuesOf(input: unknown): MessageIssue[] {
  const parsed = parseSendRequest(input);
  return parsed.ok ? [] : parsed.issues;
}

function pathsOf(input: unknown): string[] {
  return issuesOf(input).map(({ path }) => path);
}

describe('a request that the API documents', () => {
  it.each([
    ['text', withMessage({ type: 'text', text: 'Hello' })],
    ['text of spaces', withMessage({ type: 'text', text: '  ' })],
    ['text with a line break and an emoji', withMessage({ type: 'text', text: 'Hello\n👋' })],
    ['image', withMessage({ type: 'image', url: URL_OF_FILE })],
    ['image with a caption', withMessage({ type: 'image', url: URL_OF_FILE, text: 'A caption' })],
    ['image with an empty caption', withMessage({ type: 'image', url: URL_OF_FILE, text: '' })],
    ['video', withMessage({ type: 'video', url: URL_OF_FILE })],
    ['audio', withMessage({ type: 'audio', url: URL_OF_FILE })],
    ['document whose name has a space', withMessage({ type: 'document', url: 'https://example.com/a file.pdf' })],
    [
      'text with a url and a template',
      withMessage({ type: 'text', text: 'a', url: URL_OF_FILE, template: { body: 'b' } }),
    ],
    ['template of a body', withTemplate({ body: 'b' })],
    ['template of a footer', withTemplate({ footer: 'f' })],
    ['template of a text header', withTemplate({ header })],
    [
      'template of an image header with a text',
      withTemplate({ header: { type: 'image', url: URL_OF_FILE, text: 't' } }),
    ],
    ['template of buttons', withTemplate({ buttons: [reply, link] })],
    ['template of cards', withTemplate({ cards: [{ body: 'b' }, { header, footer: 'f', buttons: [link] }] })],
    [
      'ids of 256 characters',
      { pageId: '👋'.repeat(256), conversationId: 'c'.repeat(256), message: { type: 'text', text: 'a' } },
    ],
    ['an id of one space', { pageId: ' ', conversationId: '__proto__', message: { type: 'text', text: 'a' } }],
  ])('passes: %s', (_, input) => {
    expect(parseSendRequest(input)).toEqual({ ok: true, request: input, body: JSON.stringify(input) });
  });

  it('may have undefined for a field that is not given, which is not sent', () => {
    const parsed = parseSendRequest(withMessage({ type: 'image', url: URL_OF_FILE, text: undefined }));
    expect(parsed.ok && parsed.body).toBe(JSON.stringify(withMessage({ type: 'image', url: URL_OF_FILE })));
  });

  it('may be an object without a prototype', () => {
    const input: unknown = Object.assign(Object.create(null), withMessage({ type: 'text', text: 'a' }));
    expect(parseSendRequest(input)).toMatchObject({ ok: true, body: JSON.stringify(input) });
  });
});

describe('a request that breaks a rule', () => {
  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['request']],
    ['null', null, ['request']],
    ['a text', '{}', ['request']],
    ['a list', [], ['request']],
    ['no field at all', {}, ['pageId', 'conversationId', 'message']],
    ['a number as an id', { pageId: 1, conversationId: 'c1', message: { type: 'text', text: 'a' } }, ['pageId']],
    [
      'empty ids',
      { pageId: '', conversationId: '', message: { type: 'text', text: 'a' } },
      ['pageId', 'conversationId'],
    ],
    [
      'an id of 257 characters',
      { pageId: 'p'.repeat(257), conversationId: '👋'.repeat(257), message: { type: 'text', text: 'a' } },
      ['pageId', 'conversationId'],
    ],
    ['a NUL in an id', { pageId: 'p\u0000', conversationId: 'c', message: { type: 'text', text: 'a' } }, ['pageId']],
    [
      'a line break in an id',
      { pageId: 'p', conversationId: 'c\n', message: { type: 'text', text: 'a' } },
      ['conversationId'],
    ],
    [
      'DEL and C1 in ids',
      { pageId: '\u007f', conversationId: '\u0085', message: { type: 'text', text: 'a' } },
      ['pageId', 'conversationId'],
    ],
    [
      'half of a surrogate pair in an id',
      { pageId: '\ud83d', conversationId: 'c', message: { type: 'text', text: 'a' } },
      ['pageId'],
    ],
    ['a message that is a text', withMessage('Hello'), ['message']],
    ['no type', withMessage({ text: 'a' }), ['message.type']],
    ['an unknown type', withMessage({ type: 'sticker', url: URL_OF_FILE }), ['message.type']],
    ['a type that every object has', withMessage({ type: 'constructor' }), ['message.type']],
    ['text without text', withMessage({ type: 'text' }), ['message.text']],
    ['an empty text', withMessage({ type: 'text', text: '' }), ['message.text']],
    ['a number as text', withMessage({ type: 'text', text: 5 }), ['message.text']],
    ['null as a caption', withMessage({ type: 'image', url: URL_OF_FILE, text: null }), ['message.text']],
    ['an image without url', withMessage({ type: 'image' }), ['message.url']],
    ['a bad url beside a text', withMessage({ type: 'text', text: 'a', url: 'nope' }), ['message.url']],
    ['a template type without template', withMessage({ type: 'template' }), ['message.template']],
    ['an empty template', withTemplate({}), ['message.template']],
    [
      'a template of nothing but empty parts',
      withTemplate({ body: '', footer: '', buttons: [], cards: [] }),
      ['message.template'],
    ],
    ['an empty card', withTemplate({ cards: [{ body: 'b' }, {}] }), ['message.template.cards[1]']],
    [
      'a text header without text',
      withTemplate({ header: { type: 'text', url: URL_OF_FILE } }),
      ['message.template.header.text'],
    ],
    [
      'an image header without url',
      withTemplate({ header: { type: 'image', text: 'a' } }),
      ['message.template.header.url'],
    ],
    ['an unknown header', withTemplate({ header: { type: 'template' } }), ['message.template.header.type']],
    ['buttons that are no list', withTemplate({ buttons: { 0: reply } }), ['message.template.buttons']],
    ['a list with a hole', withTemplate({ buttons: [reply, undefined] }), ['message.template.buttons[1]']],
    [
      'a web button without url',
      withTemplate({ buttons: [reply, { ...link, url: undefined }] }),
      ['message.template.buttons[1].url'],
    ],
    [
      'a reply without payload',
      withTemplate({ buttons: [{ ...reply, payload: undefined }] }),
      ['message.template.buttons[0].payload'],
    ],
    [
      'the field of another button',
      withTemplate({ buttons: [{ ...reply, url: URL_OF_FILE }] }),
      ['message.template.buttons[0].url'],
    ],
    [
      'a bad url deep in a card',
      withTemplate({ cards: [{ buttons: [link, { ...link, url: 'ftp://a' }] }] }),
      ['message.template.cards[0].buttons[1].url'],
    ],
    ['cards in a card', withTemplate({ cards: [{ body: 'b', cards: [] }] }), ['message.template.cards[0].cards']],
    [
      'several at once',
      { pageId: '', message: { type: 'text', text: '', txt: 'a' } },
      ['pageId', 'conversationId', 'message.text', 'message.txt'],
    ],
  ])('is refused with the path: %s', (_, input, paths) => {
    expect(pathsOf(input)).toEqual(paths);
  });

  it.each([
    'ftp://example.com/a',
    'javascript:alert(1)',
    'data:image/png;base64,AA',
    'example.com/a',
    '//example.com/a',
    'https:example.com',
    'https://',
    'http://exa mple.com',
    ' https://example.com',
    'https://example.com\n',
    'https://example.com/a\tb',
    '',
  ])('is refused for the url %j', (url) => {
    expect(pathsOf(withMessage({ type: 'image', url }))).toEqual(['message.url']);
  });

  it('is told what is wrong in words', () => {
    expect(issuesOf({ pageId: 5, conversationId: '', message: { type: 'sticker' } })).toEqual([
      { path: 'pageId', message: 'must be a string' },
      { path: 'conversationId', message: 'must not be empty' },
      { path: 'message.type', message: 'must be one of text, image, video, audio, document, template' },
    ]);
    expect(issuesOf(withMessage({ type: 'text' }))).toEqual([{ path: 'message.text', message: 'is required' }]);
  });

  it('is told the documented field that an unknown one is likely a typo of', () => {
    expect(
      issuesOf({ page_id: 'p', ...Object(withMessage({ type: 'image', url: URL_OF_FILE, captoin: 'a', txet: 'b' })) }),
    ).toEqual([
      { path: 'message.captoin', message: 'is not a documented field' },
      { path: 'message.txet', message: 'is not a documented field, did you mean text?' },
      { path: 'page_id', message: 'is not a documented field, did you mean pageId?' },
    ]);
  });
});

describe('data that is not plain', () => {
  it.each<[string, unknown, string[]]>([
    ['a date', withMessage({ type: 'text', text: new Date(0) }), ['message.text']],
    [
      'an object that JSON would write differently',
      { toJSON: () => withMessage({ type: 'text', text: 'a' }) },
      ['request'],
    ],
    [
      'a list that JSON would write differently',
      withTemplate({ body: 'b', buttons: Object.assign([reply], { toJSON: () => [] }) }),
      ['message.template.buttons'],
    ],
    ['NaN', withMessage({ type: 'text', text: Number.NaN }), ['message.text']],
    ['a bigint', withMessage({ type: 'text', text: 1n }), ['message.text']],
    ['a function', withMessage(() => 'a'), ['message']],
    ['a string object', withMessage({ type: 'text', text: Object('a') as unknown }), ['message.text']],
    ['a map', new Map([['pageId', 'p1']]), ['pageId', 'conversationId', 'message']],
  ])('is refused: %s', (_, input, paths) => {
    expect(pathsOf(input)).toEqual(paths);
  });

  it('does not hide the other mistakes', () => {
    const input: unknown = JSON.parse(
      '{"__proto__":1,"pageId":"","conversationId":"c","message":{"type":"text","txt":"a"}}',
    );
    expect(pathsOf(input)).toEqual(['__proto__', 'pageId', 'message.text', 'message.txt']);
    expect(issuesOf(withMessage({ type: 'text', text: new Date(0) }))).toEqual([
      { path: 'message.text', message: 'must be plain data, not an object with a toJSON method' },
    ]);
  });

  it('is refused if it holds itself', () => {
    const template: Record<string, unknown> = { body: 'b' };
    template['cards'] = [template];
    expect(pathsOf(withTemplate(template))).toContain('message.template.cards[0].cards');
  });

  it('is read once, so that a getter can not slip in something else after the check', () => {
    let reads = 0;
    const message = {
      type: 'text',
      get text() {
        reads++;
        return reads === 1 ? 'Hello' : { anything: reads };
      },
    };
    const parsed = parseSendRequest(withMessage(message));
    expect(parsed.ok && parsed.body).toBe(JSON.stringify(withMessage({ type: 'text', text: 'Hello' })));
  });

  it('can not be changed by the caller afterwards', () => {
    const message = { type: 'text', text: 'Hello' };
    const parsed = parseSendRequest(withMessage(message));
    message.text = 'Changed';
    expect(parsed).toMatchObject({ ok: true, request: { message: { text: 'Hello' } } });
  });
});

describe('the key __proto__', () => {
  it.each([
    [
      '__proto__',
      '{"__proto__":{"pageId":"p"},"pageId":"p","conversationId":"c","message":{"type":"text","text":"a"}}',
    ],
    [
      'message.__proto__',
      '{"pageId":"p","conversationId":"c","message":{"__proto__":{"url":"a"},"type":"text","text":"a"}}',
    ],
    [
      'message.template.cards[0].__proto__',
      '{"pageId":"p","conversationId":"c","message":{"type":"template","template":{"cards":[{"__proto__":null,"body":"b"}]}}}',
    ],
  ])('is refused at %s', (path, json) => {
    expect(pathsOf(JSON.parse(json))).toEqual([path]);
  });
});

describe('the size of a request', () => {
  const overhead = JSON.stringify(withMessage({ type: 'text', text: '' })).length;

  it('may be 64 KiB of JSON', () => {
    expect(parseSendRequest(withMessage({ type: 'text', text: 'x'.repeat(65_536 - overhead) })).ok).toBe(true);
  });

  it.each([
    ['one byte more', 'x'.repeat(65_537 - overhead)],
    ['characters of three bytes', '€'.repeat(22_000)],
    ['characters that JSON escapes', '\n'.repeat(33_000)],
  ])('is refused: %s', (_, text) => {
    expect(pathsOf(withMessage({ type: 'text', text }))).toEqual(['request']);
  });
});
