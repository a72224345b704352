"""The zstandard dictionary of household states in form 1, which version 0.1.0 wrote.

States of that form can only be read with exactly these bytes.
"""

from __future__ import annotations

__all__ = ["DICTIONARY"]

DICTIONARY = (
    b'"early":[{"event_id":"e","household_id":"h","outcome":"executed","source":"gateway","time"'
    b':"2026-01-05T18:00:00Z"'
    b'"questions":[{"confirmation_id":"","event_id":"","session_id":"","intent":"","slots":{},"a'
    b'sked":17,"expires":17,'
    b'"methods":["challenge","spoken","pin","phone_push"],"challenge":["","attempts":1,"state":"'
    b'denied","state":"superseded",'
    b'"state":"confirmed","closed":17,"answered_by":"","state":"over","closed":17'
    b'{"verdict":"block","effective_verdict":"block","enforcement":"shadow","rung":"gateway","ab'
    b'stained":true,"degraded":true,'
    b'"confirm":{"methods":["pin","phone_push"],"prompt":"Somebody asked for . Was that meant?",'
    b'"expected":[{"intent":"conversation.'
    b'Thanks","act":"thank","probability":0.9},{"verdict":"confirm","effective_verdict":"confirm'
    b'","reasons":[{"code":"domain_bits",'
    b'"event_id":"","bits":1.,"text":"This household hardly ever does anything of that kind ( bi'
    b'ts)."}],"p_value":0.0'
    b'"intent_confidences":[0.9,"asr_confidences":[0.9,"wake_confidences":[0.9,"repeated":1,"con'
    b'flicts":1'
    b'"follows_command":true,"interrupts":false,"told":["'
    b'"pending":[{"event_id":"","session_id":"","intent":"","seconds":17,"tokens":["","allowed":'
    b'true,"answered":true}]'
    b',"private_outbound","physical","purchase","reversible","read_only",{"misfire_probability":'
    b'1e-06,"p_value":1.0}],["'
    b'"committed":["],"subject":{"domain":"","intent":"","start":0,"bits":[],"slot_bits":[0.1],"'
    b'slots":["date","time","city"],'
    b'"commits":1,"committed":true},"chain":{"intent":"","act":"initiate","start":0,"bits":[],"s'
    b'lots":{"'
    b'"novelty":0.0,"sessions":[{"session_id":"","device_id":"","seconds":17,"turns":1,"symbols"'
    b":[1],"
    b'"intents":["],"filter":[0.0,0.0,0.0,1e-06],"slots":{"date":""},'
    b'"recent":[["],[0,0,0,0],["messages.SendMessage",0],["read_only",0,0],["'
    b'0,0],[0.0,1.0],[null,null,1.0],[{},{},{},{"misfire_probability":1e-06,"p_value":1.0}]],"of'
    b'_intents":[["restaurants.FindRestaurants",'
    b'"music.PlaySong","messages.SendMessage","lights.TurnOn"],[1.0,1.0,1.02],[0,1]],"of_domains'
    b'":[["music","lights"],[1.0],[0]]}'
    b'{"intents":1,"outcomes":1,"state":{"household_id":"h","events":1,"learned":1,'
)
