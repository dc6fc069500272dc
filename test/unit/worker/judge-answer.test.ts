import { describe, expect, it } from 'vitest';
import {
  type AnswerRule,
  judgeAnswer,
  type SuccessfulAnswer,
  type AnswerVerdict,
} from '../../../src/worker/message/judge-answer.ts';

function judge(body: string, parts: Partial<SuccessfulAnswer> = {}, rule: AnswerRule = 'strict'): AnswerVerdict {
  return judgeAnswer({ contentType: 'application/json; charset=utf-8', bodyState: 'whole', ...parts, body }, rule);
}

const delivered = { kind: 'delivered', detail: null };
const page = 'an HTML page';

const refusals: [string, string][] = [
  ['{"success":false}', 'the answer says success: false'],
  ['{"success":0}', 'the answer says success: false'],
  ['{"success":-0.0}', 'the answer says success: false'],
  ['{"success":"false"}', 'the answer says success: false'],
  ['{"success":" FALSE "}', 'the answer says success: false'],
  ['{"success":"0"}', 'the answer says success: false'],
  ['{"Success":false}', 'the answer says success: false'],
  ['{"SUCCESS":"False"}', 'the answer says success: false'],
  ['{"id":1,"success":false,"message":"no such page"}', 'the answer says success: false'],
  ['{"ok":false}', 'the answer says ok: false'],
  ['{"OK":false}', 'the answer says ok: false'],
  ['{"status":"error"}', 'the answer says status: error'],
  ['{"Status":" Failed "}', 'the answer says status: error'],
  ['{"status":"fail"}', 'the answer says status: error'],
  ['{"status":"FAILURE"}', 'the answer says status: error'],
  ['{"error":"no such page"}', 'the answer has a field "error" that is not empty'],
  ['{"error":{"code":0}}', 'the answer has a field "error" that is not empty'],
  ['{"error":true}', 'the answer has a field "error" that is not empty'],
  ['{"error":1}', 'the answer has a field "error" that is not empty'],
  ['{"Errors":["a"]}', 'the answer has a field "errors" that is not empty'],
  ['{"success":true,"errors":[null]}', 'the answer has a field "errors" that is not empty'],
  ['[{"success":true},{"success":false}]', 'the answer says success: false'],
  ['[[{"error":"x"}]]', 'the answer has a field "error" that is not empty'],
  ['[1,false]', 'the answer is false'],
  ['false', 'the answer is false'],
  [' false\n', 'the answer is false'],
];

const acceptances = [
  '{"success":true}',
  '{"success":1,"id":7}',
  '{"success":"true"}',
  '{"success":null}',
  '{"success":""}',
  '{"success":2}',
  '{"ok":true}',
  '{"ok":0}',
  '{"status":"ok"}',
  '{"status":"errors resolved"}',
  '{"status":500}',
  '{"error":null}',
  '{"error":false}',
  '{"error":0}',
  '{"error":""}',
  '{"errors":[]}',
  '{"errors":{}}',
  '{"success":true,"error":null,"errors":[],"status":"success"}',
  '{"data":{"success":false}}',
  '{"__proto__":{"success":false}}',
  '{"message":"limit exceeded"}',
  '{}',
  '[]',
  '[{"success":true}]',
  'null',
  'true',
  '0',
  '"error"',
  'Ok',
  'OK',
  'sent',
  '1',
  '{"success": fal',
  '<3 thanks',
  '',
  ' \r\n',
];

describe('an answer with a status 2xx', () => {
  it.each(refusals)('is a refusal: %s', (body, says) => {
    expect(judge(body)).toEqual({ kind: 'rejected', detail: `, but ${says}` });
  });

  it.each(acceptances)('is a success: %s', (body) => {
    expect(judge(body)).toEqual(delivered);
    expect(judge(body, { contentType: null })).toEqual(delivered);
    expect(judge(body, { contentType: 'text/plain' })).toEqual(delivered);
  });

  it.each([
    'application/json',
    'APPLICATION/JSON;charset=UTF-8',
    'application/problem+json',
    'application/vnd.api+json; ext="a/b"',
    'application/x-json',
    'text/json',
    'application/x-ndjson',
    'application/json-seq',
    'application/json, application/json',
    'text/plain; charset=iso-8859-1',
    'text/html',
    'json',
    'utf-8',
    '',
    null,
  ])('may have the content type %j', (contentType) => {
    expect(judge('{"success":true}', { contentType })).toEqual(delivered);
    expect(judge('{"success":false}', { contentType }).kind).toBe('rejected');
  });

  it.each([
    ['text/xml', 'XML'],
    ['application/xml;charset=utf-8', 'XML'],
    ['application/soap+xml', 'XML'],
    ['application/xhtml+xml', page],
    ['image/gif', 'an image'],
    ['image/svg+xml', 'an image'],
    ['video/mp4', 'a recording'],
    ['text/javascript', 'a script'],
    ['application/x-javascript', 'a script'],
    ['application/octet-stream', 'binary data'],
    ['application/x-www-form-urlencoded', 'content of a type that the API does not use'],
    ['application/jsonp-pages', 'content of a type that the API does not use'],
    ['text/css', 'content of a type that the API does not use'],
    ['multipart/form-data; boundary=application/json', 'content of a type that the API does not use'],
  ])("is not the API's with the content type %s", (contentType, content) => {
    for (const body of ['{"success":true}', 'Ok', 'GIF89a']) {
      const detail = ` with ${content} instead of an answer of the API`;
      expect(judge(body, { contentType })).toEqual({ kind: 'unknown', detail });
    }
    expect(judge('', { contentType })).toEqual(delivered);
  });

  it.each([
    '<!DOCTYPE html><html><body>{"success":true}</body></html>',
    '<!doctype  HTML PUBLIC "-//W3C//DTD">',
    '<html>',
    '\n\t <HTML lang="en">',
    '\uFEFF<html>',
    '<!-- a comment --> <!-- another -->\n<html>',
    '<?xml version="1.0"?><!DOCTYPE html><html/>',
    '<head><title>Sign in</title>',
    '<body>',
    '<script>location = "/login"</script>',
    '<h1>It works!</h1>',
    '<br />\n<b>Warning</b>: mysqli in /var/www on line 3{"success":true}',
  ])('is a page of somebody else, whatever its type: %j', (body) => {
    const detail = ` with ${page} instead of an answer of the API`;
    for (const contentType of ['application/json', 'text/plain', 'text/html', null]) {
      expect(judge(body, { contentType })).toEqual({ kind: 'unknown', detail });
    }
  });

  it.each([
    '<?xml version="1.0"?><response><success>true</success></response>',
    '<soap:Envelope/>',
    '<!-- no end',
    '</a>',
  ])('is markup that is no page: %s', (body) => {
    expect(judge(body, { contentType: null })).toEqual({
      kind: 'unknown',
      detail: ' with XML instead of an answer of the API',
    });
  });

  it("as HTML is the API's only if it is JSON or just Ok, since HTML is the default type of PHP", () => {
    const contentType = 'text/html; charset=UTF-8';
    for (const body of ['{"success":true}', 'Ok', 'ok', ' OK.\n', '', '1']) {
      expect(judge(body, { contentType })).toEqual(delivered);
    }
    expect(judge('{"success":0}', { contentType }).kind).toBe('rejected');
    for (const body of ['Please sign in', 'Okay', '{"success":tr']) {
      expect(judge(body, { contentType }).kind).toBe('unknown');
    }
  });

  it("that broke off is a success if its beginning can be the API's", () => {
    const bodyState = 'cut';
    for (const contentType of ['application/json', 'text/html', null]) {
      expect(judge('{"success":fal', { contentType, bodyState })).toEqual(delivered);
      expect(judge('', { contentType, bodyState })).toEqual(delivered);
      expect(judge('<html><bo', { contentType, bodyState }).kind).toBe('unknown');
    }
    expect(judge('{"success":false}', { bodyState }).kind).toBe('rejected');
  });

  it('that can not be decoded is unknown, unless it was never encoded', () => {
    const bodyState = 'undecoded';
    expect(judge('\u001f\ufffd\b', { bodyState })).toEqual({
      kind: 'unknown',
      detail: " with a body that can't be decoded instead of an answer of the API",
    });
    expect(judge('{"success":true}', { bodyState })).toEqual(delivered);
    expect(judge('{"success":false}', { bodyState }).kind).toBe('rejected');
  });

  it('that has zero bytes is no text', () => {
    expect(judge('PK\u0003\u0004\0\0', { contentType: null }).detail).toBe(
      ' with binary data instead of an answer of the API',
    );
  });

  it('is judged however deep or long it is', () => {
    expect(judge(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)).toEqual(delivered);
    expect(judge(`${'['.repeat(400_000)}false${']'.repeat(400_000)}`).kind).toBe('rejected');
    expect(judge('<!---->'.repeat(150_000)).kind).toBe('delivered');
    expect(judge(`{"a":"${'x'.repeat(1_000_000)}","success":false}`).kind).toBe('rejected');
  });
});

describe('with any-2xx', () => {
  it('every answer is a success', () => {
    for (const body of [
      '<html>',
      'false',
      '{"error":"x"}',
      '{"success":"false"}',
      '[{"success":false}]',
      '{"Success":false}',
    ]) {
      for (const contentType of ['application/json', 'text/html', 'image/png', null]) {
        expect(judge(body, { contentType }, 'any-2xx')).toEqual(delivered);
      }
    }
    expect(judge('\u001f\0', { bodyState: 'undecoded' }, 'any-2xx')).toEqual(delivered);
  });

  it.each(['{"success":false}', ' {"id":1,"success":0}\n'])('except %s', (body) => {
    expect(judge(body, {}, 'any-2xx')).toEqual({ kind: 'rejected', detail: ', but the answer says success: false' });
  });
});
