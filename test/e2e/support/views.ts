import type { Page } from 'playwright-core';
import { HELD_CONVERSATION, HELD_PAGE, REPLAYED_PAGE, type Scene } from './scene.ts';

const JOB = 'Bulk replay or discard';

/** Every view of the console, by its name in file names, and the way to it. */
const views = {
  'overview-quiet': async (page, { quietUrl }) => await openOverview(page, quietUrl),
  'overview-trouble': async (page, { troubleUrl }) => await openOverview(page, troubleUrl),
  pages: async (page, { troubleUrl }) => await open(page, troubleUrl, '/pages', 'Pages'),
  page: async (page, { troubleUrl }) => await open(page, troubleUrl, `/pages/${HELD_PAGE}`, `Page ${HELD_PAGE}`),
  workers: async (page, { troubleUrl }) => await open(page, troubleUrl, '/workers', 'Workers'),
  'dead-letters': async (page, { troubleUrl }) => await open(page, troubleUrl, '/dead-letters', 'Dead letters'),
  'dead-letters-none': async (page, { quietUrl }) => await open(page, quietUrl, '/dead-letters', 'Dead letters'),
  'dead-letter': async (page, { troubleUrl, rejectedId }) =>
    await open(page, troubleUrl, `/dead-letters/${rejectedId}`, 'Dead letter'),
  'dead-letter-edit': async (page, { contentUrl, rejectedId }) => {
    await open(page, contentUrl, `/dead-letters/${rejectedId}`, 'Dead letter');
    await page.getByText('Edit and replay…').click();
    await page.getByRole('button', { name: 'Replay with these texts' }).waitFor();
  },
  'dead-letter-warning': async (page, { troubleUrl, unknownId }) => {
    await open(page, troubleUrl, `/dead-letters/${unknownId}`, 'Dead letter');
    await page.locator('summary', { hasText: 'Replay…' }).click();
    await page.getByRole('button', { name: 'Replay it anyway' }).waitFor();
  },
  confirm: async (page, { troubleUrl }) => {
    await open(page, troubleUrl, '/dead-letters', 'Dead letters');
    await page.getByRole('button', { name: 'Replay all…' }).click();
    await page.getByRole('heading', { level: 1, name: 'Replay dead letters?' }).waitFor();
  },
  job: async (page, { replayUrl }) => {
    await open(page, replayUrl, '/dead-letters/job', JOB);
    // One process has one job; it goes on whoever looks.
    if ((await page.getByRole('progressbar').count()) === 0) await startJob(page, replayUrl);
    await page.locator('.facts').getByText('15', { exact: true }).waitFor();
  },
  'find-message': async (page, { troubleUrl, waitingId }) =>
    await open(page, troubleUrl, `/find?q=${waitingId}`, 'Find'),
  'find-conversation': async (page, { troubleUrl }) =>
    await open(page, troubleUrl, `/find?${new URLSearchParams(HELD_CONVERSATION).toString()}`, 'Find'),
  queues: async (page, { troubleUrl }) => {
    await page.goto(new URL('/queues', troubleUrl).href);
    await page
      .getByText(/^\d+ Jobs$/)
      .first()
      .waitFor();
  },
  login: async (page, { tokenUrl }) => {
    await page.goto(tokenUrl);
    await page.getByLabel('Token').waitFor();
  },
  'not-found': async (page, { troubleUrl }) => await open(page, troubleUrl, '/no-such-page', 'Not found'),
} satisfies Record<string, (page: Page, scene: Scene) => Promise<void>>;

export type ViewName = keyof typeof views;
export const viewNames = Object.keys(views) as ViewName[];

/** Goes to a view, and waits until all of it is there. */
export async function openView(name: ViewName, page: Page, scene: Scene): Promise<void> {
  await views[name](page, scene);
}

/** How a view may be looked at. */
export const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
} as const;

export type LookName = keyof typeof looks;
export const lookNames = Object.keys(looks) as LookName[];

/** The first go at once, and the next one when nobody looks any more. */
async function startJob(page: Page, url: string): Promise<void> {
  await open(page, url, `/dead-letters?page=${REPLAYED_PAGE}`, 'Dead letters');
  await page.getByRole('button', { name: 'Replay all that match…' }).click();
  await page.getByLabel('Limit').fill('1/h burst 15');
  await page.getByRole('button', { name: 'Replay 40 dead letters' }).click();
  await page.getByRole('heading', { level: 1, name: JOB }).waitFor();
}

async function open(page: Page, url: string, path: string, heading: string): Promise<void> {
  await page.goto(new URL(path, url).href);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

async function openOverview(page: Page, url: string): Promise<void> {
  await open(page, url, '/', 'Overview');
  for (const chart of await page.locator('.chart').all()) await chart.locator('canvas').waitFor();
}
