-- lib/change-key
--
-- Carries out some commands on one key, all in one step.
--
-- KEYS[1] the key  KEYS[2] the absent key
-- ARGV[1] JSON: [[command, argument after the key, …], …]

for _, command in ipairs(cjson.decode(ARGV[1])) do
  redis.call(command[1], KEYS[1], unpack(command, 2))
end
