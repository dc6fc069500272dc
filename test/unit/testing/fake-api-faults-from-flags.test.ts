import { describe, expect, it } from 'vitest';
import { faultsFromFlags } from '../../../src/testing/fake-api/faults-from-flags.ts';
import type { Fault } from '../../../src/testing/fake-api/faults.ts';
import { problemsOf } from '../shared/config-problems.ts';

describe('faultsFromFlags', () => {
  it.each<[string, Fault]>([
    ['status=500:12%', { kind: 'status', status: 500, rate: 0.12 }],
    ['status=429,retry-after=2:5%', { kind: 'status', status: 429, retryAfter: '2', rate: 0.05 }],
    [
      'status=503,body=request limit exceeded,accept',
      { kind: 'status', status: 503, body: 'request limit exceeded', accept: true },
    ],
    ['status=202,accept=false', { kind: 'status', status: 202, accept: false }],
    ['latency=20', { kind: 'latency', ms: 20 }],
    ['hang:1%', { kind: 'hang', rate: 0.01 }],
    ['hang,accept:0.5%', { kind: 'hang', accept: true, rate: 0.005 }],
    ['reset-before:8%', { kind: 'reset', when: 'before', rate: 0.08 }],
    ['reset-after:1%', { kind: 'reset', when: 'after', rate: 0.01 }],
    ['success-false:2%', { kind: 'success-false', rate: 0.02 }],
    ['redirect', { kind: 'redirect' }],
    ['redirect=http://127.0.0.1:8080/x:50%', { kind: 'redirect', location: 'http://127.0.0.1:8080/x', rate: 0.5 }],
    ['redirect=http://127.0.0.1:8080', { kind: 'redirect', location: 'http://127.0.0.1:8080' }],
    ['slow-body=500', { kind: 'slow-body', ms: 500 }],
    ['broken-body:100%', { kind: 'broken-body', rate: 1 }],
    ['huge-body=1000000,times=2', { kind: 'huge-body', bytes: 1_000_000, times: 2 }],
    ['garbage, nth=3', { kind: 'garbage', match: { nth: 3 } }],
    [
      'hang,page=p=1,conversation=c1,type=image,text=hello',
      { kind: 'hang', match: { pageId: 'p=1', conversationId: 'c1', type: 'image', textIncludes: 'hello' } },
    ],
    ['{"kind":"hang","match":{"pageId":"a,b:5%"}}', { kind: 'hang', match: { pageId: 'a,b:5%' } }],
  ])('reads %s', (text, fault) => {
    expect(faultsFromFlags([text])).toEqual([fault]);
  });

  it('keeps the order of the flags and of the lists in them', () => {
    const kinds = faultsFromFlags(['hang', ' [{"kind":"garbage"},{"kind":"redirect"}]', 'latency=1']).map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(['hang', 'garbage', 'redirect', 'latency']);
  });

  it('gives no faults for no flags', () => {
    expect(faultsFromFlags([])).toEqual([]);
  });

  it.each([
    ['stauts=500', '"stauts=500": there is no fault "stauts", did you mean status?'],
    ['', /^"": there is no fault ""; there are status, latency, hang, reset-before, /],
    ['reset', /there is no fault "reset"/],
    ['constructor', /there is no fault "constructor"/],
    ['status', '"status": status: is required'],
    ['status=', '"status=": status: must be a number'],
    ['status=abc', '"status=abc": status: must be a number'],
    ['status=99', '"status=99": status: must be at least 200'],
    ['latency', '"latency": ms: is required'],
    ['hang=3', '"hang=3": hang takes no value'],
    ['hang,nht=2', '"hang,nht=2": there is no setting "nht", did you mean nth?'],
    ['hang,nth=two', '"hang,nth=two": match.nth: must be a number'],
    ['hang,accept=maybe', '"hang,accept=maybe": accept: must be true or false'],
    ['hang,times=1.5', '"hang,times=1.5": times: must be a whole number'],
    ['hang,retry-after=2', '"hang,retry-after=2": retryAfter: is not a documented field'],
    ['hang:200%', '"hang:200%": rate: must be at most 1'],
    ['hang:x%', '"hang:x%": rate: must be a number'],
    ['hang:%', '"hang:%": rate: must be a number'],
    ['hang:12', '"hang:12": a rate ends in %, such as :12%; write a value that ends like this as JSON'],
    ['status=429,retry-after=2:0.05', /a rate ends in %/],
    ['{', '"{": is not valid JSON'],
    ['{"kind":"flood"}', /kind: must be one of status, latency/],
    ['[{"kind":"hang"},{"kind":"status","status":1}]', /: \[1\]\.status: must be at least 200$/],
    ['[[{"kind":"hang"}]]', /: must be an object$/],
  ])('refuses %j and says why', (text, problem) => {
    expect(problemsOf(() => faultsFromFlags([text]))).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });

  it('names the problems of all flags at once', () => {
    expect(problemsOf(() => faultsFromFlags(['hang:200%', 'latency=5', 'nonsense']))).toHaveLength(2);
  });

  it('quotes only the start of a long text', () => {
    expect(problemsOf(() => faultsFromFlags([`x${'y'.repeat(500)}`]))[0]?.length).toBeLessThan(400);
  });
});
