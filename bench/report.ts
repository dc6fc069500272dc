/**
 * Writes what was measured last into docs/performance.md, as a table between two markers, and draws the chart beside it.
 *
 *   npm run bench:report
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { processorBars } from './report/processor-bars.ts';
import { barChart } from './report/bar-chart.ts';
import { resultsMarkdown } from './report/markdown.ts';
import { replaceBetweenMarkers } from './report/markers.ts';
import { readRecords } from './result/records-file.ts';

const docs = new URL('../docs/', import.meta.url);
const page = new URL('performance.md', docs);
const CHART = 'performance-cpu.svg';

const records = readRecords();
const bars = processorBars(records);
const chart = bars.length === 0 ? null : CHART;
if (chart !== null) {
  writeFileSync(
    new URL(chart, docs),
    barChart({ title: 'Processor time per message, in µs', series: ['worker', 'store'], bars }),
  );
}
writeFileSync(page, replaceBetweenMarkers(readFileSync(page, 'utf8'), resultsMarkdown(records, chart)));
