export { startFakeKitechat } from './fake-kitechat.ts';
export type { FakeKitechat } from './fake-kitechat.ts';
export type { FakeKitechatOptions, SuccessAnswer } from './fake-kitechat-options.ts';
export type { AcceptedMessage, FakeKitechatReport, ReceivedRequest } from './fake-records.ts';
export type {
  DeliveryFindings,
  DisorderExample,
  DuplicateExample,
  Findings,
  OverlapExample,
} from './delivery-checks.ts';
export type { Fault, FaultKind, FaultMatch } from './faults.ts';
