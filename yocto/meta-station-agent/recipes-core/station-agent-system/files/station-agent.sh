# Commands of a technician find the data of the agent, too.
export STATION_DATA_DIR=/data/station-agent
