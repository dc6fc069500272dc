const sender = require('kitechat-sender');

it('replaces a single function, and puts it back', async () => {
  const { enqueueMessage } = sender;
  const spy = jest.spyOn(sender, 'enqueueMessage').mockResolvedValue({ id: '0-1', duplicate: false });
  expect(await sender.enqueueMessage({})).toEqual({ id: '0-1', duplicate: false });
  spy.mockRestore();
  expect(sender.enqueueMessage).toBe(enqueueMessage);
});
