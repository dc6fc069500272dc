-- lib/read-bounded
--
-- Reads what others may have written, too. A text that is longer than any of ours stays in Redis: in its place the answer has '' for a
-- field, and nothing for another text. There is nothing in a key of another type.
--
-- KEYS[1] a key of the shard  KEYS[2] the absent key
-- ARGV[1] JSON: [[command, argument, …], …]; commands that read
--
-- Returns the answers.

-- Far above all that is stored: names are hashes if they are long, and a request has 64 KiB.
local LONGEST_NAME, LONGEST_WORD = 512, 4096
local LONGEST = { data = 262144, history = 131072 }

local function ask(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if not string.find(answer.err, 'WRONGTYPE', 1, true) then error(answer) end
  return false
end

local function fieldsOf(key, fields)
  local short, values = {}, {}
  for i, field in ipairs(fields) do
    local length = ask('HSTRLEN', key, field)
    local isTooLong = length and length > (LONGEST[field] or LONGEST_WORD)
    values[i] = isTooLong and ''
    if length and not isTooLong then short[#short + 1] = i end
  end
  if #short == 0 then return values end
  local wanted = {}
  for n, i in ipairs(short) do wanted[n] = fields[i] end
  for n, value in ipairs(ask('HMGET', key, unpack(wanted))) do values[short[n]] = value end
  return values
end

local function shortened(answer)
  if type(answer) == 'string' then return #answer <= LONGEST_NAME and answer end
  if type(answer) == 'table' then
    for i, value in ipairs(answer) do answer[i] = shortened(value) end
  end
  return answer
end

local answers = {}
for i, command in ipairs(cjson.decode(ARGV[1])) do
  local name, key = unpack(command)
  if name == 'hget' then
    answers[i] = fieldsOf(key, { command[3] })[1]
  elseif name == 'hmget' then
    answers[i] = fieldsOf(key, { unpack(command, 3) })
  else
    answers[i] = shortened(ask(unpack(command)))
  end
end
return answers
