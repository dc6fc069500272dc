import { readFileSync } from 'node:fs';

const own = (name: string): URL => new URL(`../assets/${name}`, import.meta.url);
const read = (file: URL | string): string => readFileSync(new URL(file), 'utf8');

/** The files that the pages load. The build replaces this module by one that holds the texts. */
export const assetTexts = {
  css: read(own('console.css')),
  script: read(own('console.js')),
  icon: read(own('icon.svg')),
  htmx: read(import.meta.resolve('htmx.org/dist/htmx.min.js')),
  chartsCss: read(import.meta.resolve('uplot/dist/uPlot.min.css')),
  charts: read(import.meta.resolve('uplot/dist/uPlot.iife.min.js')),
};
