"""Limits: the one table of Slack's sizes and times. Source: Slack's reference pages for each
object.
"""

from __future__ import annotations

from typing import Final

# Messages
MESSAGE_BLOCKS: Final = 50
MESSAGE_TEXT_CUT: Final = 40_000  # longer text is cut
MESSAGE_BLOCKS_TEXT: Final = 13_000  # all text of the blocks: msg_blocks_too_long
MESSAGE_MARKDOWN: Final = 12_000  # all markdown blocks of a message together
METADATA_BYTES: Final = 8_000
METADATA_EVENT_TYPE: Final = 255
ATTACHMENTS: Final = 100

# Views
VIEW_BLOCKS: Final = 100
VIEW_TITLE: Final = 24
VIEW_BUTTON: Final = 24  # submit and close
VIEW_PRIVATE_METADATA: Final = 3_000
VIEW_CALLBACK_ID: Final = 255
VIEW_EXTERNAL_ID: Final = 255
VIEW_BYTES: Final = 250_000  # view_too_large
VIEW_STACK: Final = 3  # push_limit_reached

# Blocks
BLOCK_ID: Final = 255
ACTION_ID: Final = 255
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
SECTION_FIELD_TEXT: Final = 2_000
HEADER_TEXT: Final = 150
CONTEXT_ELEMENTS: Final = 10
CONTEXT_TEXT: Final = 3_000
ACTIONS_ELEMENTS: Final = 25
CONTEXT_ACTIONS_ELEMENTS: Final = 5
IMAGE_URL: Final = 3_000
ALT_TEXT: Final = 2_000
IMAGE_TITLE: Final = 2_000
INPUT_LABEL: Final = 2_000
INPUT_HINT: Final = 2_000
CONTAINER_TITLE: Final = 150
CONTAINER_SUBTITLE: Final = 150
CONTAINER_CHILDREN: Final = 10
CARD_TITLE: Final = 150
CARD_BODY: Final = 200
CAROUSEL_CARDS: Final = 10
ALERT_TEXT: Final = 3_000
TABLE_ROWS: Final = 100
TABLE_COLUMNS: Final = 20
TABLE_CHARACTERS: Final = 10_000  # all cells of all tables of one message
DATA_TABLE_ROWS: Final = 101  # 100 and the header
DATA_TABLE_PAGE: Final = 100
CHART_TITLE: Final = 50
CHART_LABEL: Final = 20
CHART_SERIES: Final = 6
CHART_POINTS: Final = 20
CHART_AXIS_LABEL: Final = 50

# Elements
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
URL: Final = 3_000
ACCESSIBILITY_LABEL: Final = 75
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
OVERFLOW_OPTIONS: Final = 5
SELECT_OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OPTION_GROUP_LABEL: Final = 75
CHECK_OPTIONS: Final = 10  # checkboxes and radio buttons
PLACEHOLDER: Final = 150
PLAIN_TEXT_INPUT: Final = 3_000
FILE_INPUT_FILES: Final = 10

# Channels
CHANNEL_NAME: Final = 80

# Times, in seconds
ACK_SECONDS: Final = 3.0
TRIGGER_SECONDS: Final = 3.0
RESPONSE_URL_SECONDS: Final = 30 * 60.0
RESPONSE_URL_USES: Final = 5
SIGNATURE_SECONDS: Final = 5 * 60.0
# Slack: an event is sent again almost at once, after 1 minute, after 5 minutes.
EVENT_RETRIES: Final = (0.0, 60.0, 300.0)

# Socket Mode
SOCKET_CONNECTIONS: Final = 10
SOCKET_WARNING_SECONDS: Final = 10.0
