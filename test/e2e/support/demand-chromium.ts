import { findChromium } from './find-chromium.ts';

/** Told once and before anything starts, not by every test; and only what to do, not where this was noticed. */
export function setup(): void {
  try {
    findChromium(process.env);
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { stack: error.message }) : error;
  }
}
