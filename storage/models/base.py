"""The declarative base and the column shorthands that every table shares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, mapped_column

from storage.types import Json, Personal, UtcDateTime

Moment = Annotated[datetime, mapped_column(UtcDateTime)]
Figures = Annotated[dict[str, Any], mapped_column(Json)]

__all__ = ["Base", "Figures", "Moment", "Personal"]


class Base(DeclarativeBase):
    """All tables of Muster's own database."""

    # Minor units of money and ids of busy tables outgrow 32 bits; SQLite's rowid is INTEGER.
    type_annotation_map = {int: BigInteger().with_variant(Integer(), "sqlite")}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
