import { describe, expect, it } from 'vitest';
import { unknownVariables } from '../../../src/shared/config/config.ts';

describe('unknown variables', () => {
  it('are told with the variable that was likely meant', () => {
    const env = {
      KITECHAT_CONCURENCY: '5',
      KITECHAT_API_KEYFILE: '/run/key',
      KITECHAT_COLOUR: 'red',
      KITECHAT_EMPTY: '',
      KITECHAT_SHARDS: '1',
      KITECHAT_API_KEY_FILE: '/run/key',
      PATH: '/bin',
    };
    expect(unknownVariables(env)).toEqual([
      'KITECHAT_CONCURENCY is not a known variable, did you mean KITECHAT_CONCURRENCY?',
      'KITECHAT_API_KEYFILE is not a known variable, did you mean KITECHAT_API_KEY_FILE?',
      'KITECHAT_COLOUR is not a known variable',
    ]);
  });
});
