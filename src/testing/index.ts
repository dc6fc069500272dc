export { startFakeKitechat } from './fake-api/fake-kitechat.ts';
export type { FakeKitechat } from './fake-api/fake-kitechat.ts';
export type { FakeKitechatOptions, SuccessAnswer } from './fake-api/fake-kitechat-options.ts';
export type { AcceptedMessage, FakeKitechatReport, ReceivedRequest } from './fake-api/fake-records.ts';
export type {
  DeliveryFindings,
  DisorderExample,
  DuplicateExample,
  Findings,
  OverlapExample,
} from './fake-api/delivery-checks.ts';
export type { Fault, FaultKind, FaultMatch } from './fake-api/faults.ts';
