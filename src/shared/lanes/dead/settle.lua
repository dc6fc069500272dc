-- dead/settle
--
-- Notes what an operator found out about a dead letter whose message may have arrived. If it arrived, the letter becomes a delivered
-- message, and a conversation that is held because of the letter goes on; an operator's hold stays. If not, the letter keeps that.
--
-- KEYS[1] BullMQ's dead letters by time of death  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] id  ARGV[3] the SHA-1 of the letter's data that the caller has read  ARGV[4] lane, for a letter that others
-- have taken out of the indexes; '' if it is not known  ARGV[5] 'delivered' or 'not-delivered'  ARGV[6] the operator, or ''
-- ARGV[7] the message's label, or ''
-- Then for 'not-delivered' the letter's new data; for 'delivered' the fields of the message's job with their values.
--
-- Returns 'done'; 'gone' if the letter is not there, or 'changed' if its data is not what the caller has read: then nothing was
-- changed.

local root, id, outcome, by, label = ARGV[1], ARGV[2], ARGV[5], ARGV[6], ARGV[7]
local letterKey = root .. 'dead:' .. id
local LONGEST_LETTER = 262144

if not redis.call('ZSCORE', KEYS[1], id) then return 'gone' end
local length = redis.call('HSTRLEN', letterKey, 'data')
if length == 0 then return 'gone' end
local data = length <= LONGEST_LETTER and redis.call('HGET', letterKey, 'data')
if not data or redis.sha1hex(data) ~= ARGV[3] then return 'changed' end
local reason, lane = placeOf(root, id)
lane = lane or ARGV[4]
if not isLane(lane) then return 'gone' end

local function becomeDelivered()
  local job, now = root .. 'send:' .. id, redisNowMs()
  -- The first write takes no memory, and Redis refuses no later one for lack of memory. The letter goes last: until the job is
  -- complete, nothing else is left of the message.
  redis.call('DEL', job)
  local fields = { 'lane', lane, 'place', 'ended', 'why', 'delivered', 'proof', 'operator', 'finishedOn', now,
    -- Too old from now on, should somebody put the job back into a queue.
    'exp', now }
  -- A late answer to this attempt, and the settlement that has written the letter if it comes again, are recognized by it.
  local attempt = redis.call('HGET', letterKey, 'attempt')
  for field, value in pairs({ attempt = attempt or '', by = by, label = label }) do
    if value ~= '' then
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
  end
  redis.call('HSET', job, unpack(fields))
  redis.call('HSET', job, unpack(ARGV, 8))
  redis.call('ZADD', root .. 'send:completed', now, id)
  takeLetter(root, id)
  if forgetHold(root, lane, id) == 'ended' then letLaneGoOn(root, lane) end
  wakeForWork(root, now)
end

if outcome == 'delivered' then
  becomeDelivered()
else
  writeFirst('HSET', letterKey, 'data', ARGV[8])
end

local function noteResolved()
  local isJson, letter = pcall(cjson.decode, data)
  local ids = isJson and type(letter) == 'table' and idsOf(letter.request) or nil
  noteEvent(root, id, lane, 'resolved', redisNowMs(), { history = '', data = '' },
    { reason = reason, outcome = outcome, proof = 'operator', by = orNil(by), label = orNil(label), ids = ids })
end

noteResolved()
return 'done'
