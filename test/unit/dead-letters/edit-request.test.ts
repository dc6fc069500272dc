import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editRequest, type RequestEdits } from '../../../src/dead-letters/edit-request.ts';
import { InvalidMessageError } from '../../../src/shared/errors/errors.ts';
import type { SendRequest } from '../../../src/shared/model/message.ts';
import { settled } from '../../support/settled.ts';

const text: SendRequest = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'before' } };
const template: SendRequest = {
  pageId: 'p1',
  conversationId: 'c1',
  message: {
    type: 'template',
    template: {
      header: { type: 'text', text: 'header' },
      buttons: [{ type: 'web_url', text: 'open', url: 'https://example.com/before' }],
    },
  },
};

async function issuesOf(request: SendRequest, edits: RequestEdits): Promise<{ path: string; message: string }[]> {
  const { error } = await settled((async () => editRequest(request, edits))());
  expect(error).toBeInstanceOf(InvalidMessageError);
  return [...(error as InvalidMessageError).issues];
}

describe('an edited request', () => {
  it('has the new texts and is otherwise as it was; the one that was given stays', () => {
    expect(editRequest(text, { 'message.text': 'after' })).toEqual({
      ...text,
      message: { type: 'text', text: 'after' },
    });
    const edited = editRequest(template, {
      'message.template.header.text': 'new',
      'message.template.buttons[0].url': 'https://example.com/after',
    });
    expect(edited.message.template).toEqual({
      header: { type: 'text', text: 'new' },
      buttons: [{ type: 'web_url', text: 'open', url: 'https://example.com/after' }],
    });
    expect(template.message.template?.header).toEqual({ type: 'text', text: 'header' });
  });

  it('can get a documented field that it did not have', () => {
    expect(editRequest(template, { 'message.template.body': 'more' }).message.template).toMatchObject({ body: 'more' });
  });

  it('is validated as a whole, with the paths of all that is wrong', async () => {
    expect(await issuesOf(text, { 'message.text': '' })).toEqual([
      { path: 'message.text', message: 'must not be empty' },
    ]);
    expect(await issuesOf(text, { 'message.type': 'image' })).toMatchObject([{ path: 'message.url' }]);
    expect(await issuesOf(template, { 'message.template.buttons[0].url': 'nowhere' })).toMatchObject([
      { path: 'message.template.buttons[0].url' },
    ]);
    expect(await issuesOf(text, { 'message.txt': 'x' })).toMatchObject([
      { path: 'message.txt', message: 'is not a documented field, did you mean text?' },
    ]);
  });

  it.each([
    'pageId',
    'conversationId',
    'message',
    'text',
    '',
    'message.',
    'message..text',
    'message.text.more',
    'message.template.buttons[7].url',
    'message.template.buttons[1]',
    'message.__proto__.polluted',
    'message.__proto__',
    'message.constructor.prototype.polluted',
  ])('refuses the path %j and names it', async (path) => {
    const issues = await issuesOf(template, { [path]: 'x' });
    expect(issues.map((issue) => issue.path)).toContain(path);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  it('keeps its page and conversation and never becomes invalid, whatever the edits', () => {
    const key = fc.constantFrom(
      'message',
      'template',
      'buttons',
      'header',
      'text',
      'url',
      '[0]',
      '__proto__',
      'toString',
    );
    const path = fc.oneof(
      fc.string(),
      fc.array(key, { maxLength: 5 }).map((keys) => keys.join('.').replaceAll('.[', '[')),
    );
    const property = fc.property(fc.constantFrom(text, template), path, fc.string(), (request, at, value) => {
      try {
        const edited = editRequest(request, { [at]: value });
        expect(edited).toMatchObject({ pageId: 'p1', conversationId: 'c1' });
        expect(editRequest(edited, {})).toEqual(edited);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidMessageError);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });
});
