import { afterAll, beforeAll } from 'vitest';
import { startBrowser, type TestBrowser } from './browser.ts';
import { type Desk, startDesk } from './desk.ts';

/** A desk and a browser from the first test to the last. Neither is there before the first `beforeAll` of the tests. */
export interface UsedDesk {
  readonly desk: Desk;
  readonly browser: TestBrowser;
}

/** Called at the top of a file or of a `describe`. */
export function useDesk(): UsedDesk {
  const stack = new AsyncDisposableStack();
  let desk: Desk;
  let browser: TestBrowser;
  beforeAll(async () => {
    browser = stack.use(await startBrowser());
    desk = stack.use(await startDesk());
  });
  afterAll(async () => await stack.disposeAsync());
  return {
    get desk() {
      return desk;
    },
    get browser() {
      return browser;
    },
  };
}
