/* SPDX-License-Identifier: MIT */
/*
 * Time as a count of 100 ns since 1601 and as fields of the Gregorian calendar.  1601 begins a
 * cycle of 400 years, so that leap years need no offset.
 */
#include "nt/ex.h"

#define UNITS_PER_MS     10000ll
#define MS_PER_DAY       86400000ll
#define DAYS_PER_400     146097
#define YEAR_FIRST       1601
#define YEAR_LAST        30827 /* what the fields can hold */
#define SECONDS_TO_1970  11644473600ll
#define SECONDS_TO_1980  11960006400ll
#define UNITS_PER_SECOND 10000000ll

struct time_fields {
    int16_t Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
};

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t days_of_month(int32_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from the first of 1601 to the first of a year. */
static int64_t days_before_year(int32_t year)
{
    int64_t n = year - YEAR_FIRST;

    return n * 365 + n / 4 - n / 100 + n / 400;
}

static void date_of(int64_t days, struct time_fields *fields)
{
    int32_t year = YEAR_FIRST + (int32_t)(days / DAYS_PER_400) * 400;
    int32_t month = 1;

    days %= DAYS_PER_400;
    while (days >= 365 + is_leap(year)) {
        days -= 365 + is_leap(year);
        year++;
    }
    while (days >= days_of_month(year, month)) {
        days -= days_of_month(year, month);
        month++;
    }
    fields->Year = (int16_t)year;
    fields->Month = (int16_t)month;
    fields->Day = (int16_t)(days + 1);
}

static void RtlTimeToTimeFields(const int64_t *time, struct time_fields *fields)
{
    struct time_fields result;
    int64_t ms, days;

    machine_touch((uint64_t)time, sizeof *time, PAGER_READ);
    machine_touch((uint64_t)fields, sizeof *fields, PAGER_WRITE);
    ms = *time / UNITS_PER_MS;
    ms = ms < 0 ? 0 : ms;
    days = ms / MS_PER_DAY;
    ms %= MS_PER_DAY;
    date_of(days, &result);
    result.Weekday = (int16_t)((days + 1) % 7); /* 1601 began with a Monday */
    result.Hour = (int16_t)(ms / 3600000);
    result.Minute = (int16_t)(ms / 60000 % 60);
    result.Second = (int16_t)(ms / 1000 % 60);
    result.Milliseconds = (int16_t)(ms % 1000);
    *fields = result;
}

static bool fields_are_valid(const struct time_fields *f)
{
    return f->Year >= YEAR_FIRST && f->Year <= YEAR_LAST && f->Month >= 1 && f->Month <= 12 &&
           f->Day >= 1 && f->Day <= days_of_month(f->Year, f->Month) && f->Hour >= 0 &&
           f->Hour <= 23 && f->Minute >= 0 && f->Minute <= 59 && f->Second >= 0 &&
           f->Second <= 59 && f->Milliseconds >= 0 && f->Milliseconds <= 999;
}

static uint8_t RtlTimeFieldsToTime(const struct time_fields *fields, int64_t *time)
{
    int64_t days, ms;

    machine_touch((uint64_t)fields, sizeof *fields, PAGER_READ);
    machine_touch((uint64_t)time, sizeof *time, PAGER_WRITE);
    if (!fields_are_valid(fields)) {
        return 0;
    }
    days = days_before_year(fields->Year) + fields->Day - 1;
    for (int32_t month = 1; month < fields->Month; month++) {
        days += days_of_month(fields->Year, month);
    }
    ms = ((fields->Hour * 60ll + fields->Minute) * 60 + fields->Second) * 1000 +
         fields->Milliseconds;
    *time = (days * MS_PER_DAY + ms) * UNITS_PER_MS;
    return 1;
}

/* ---- seconds of other calendars' beginnings ---- */

static uint8_t to_seconds(const int64_t *time, int64_t epoch, uint32_t *seconds)
{
    int64_t value;

    machine_touch((uint64_t)time, sizeof *time, PAGER_READ);
    machine_touch((uint64_t)seconds, sizeof *seconds, PAGER_WRITE);
    value = *time / UNITS_PER_SECOND - epoch;
    if (value < 0 || value > UINT32_MAX) {
        return 0;
    }
    *seconds = (uint32_t)value;
    return 1;
}

static void from_seconds(uint32_t seconds, int64_t epoch, int64_t *time)
{
    machine_touch((uint64_t)time, sizeof *time, PAGER_WRITE);
    *time = (seconds + epoch) * UNITS_PER_SECOND;
}

static uint8_t RtlTimeToSecondsSince1970(const int64_t *time, uint32_t *seconds)
{
    return to_seconds(time, SECONDS_TO_1970, seconds);
}

static uint8_t RtlTimeToSecondsSince1980(const int64_t *time, uint32_t *seconds)
{
    return to_seconds(time, SECONDS_TO_1980, seconds);
}

static void RtlSecondsSince1970ToTime(uint32_t seconds, int64_t *time)
{
    from_seconds(seconds, SECONDS_TO_1970, time);
}

static void RtlSecondsSince1980ToTime(uint32_t seconds, int64_t *time)
{
    from_seconds(seconds, SECONDS_TO_1980, time);
}

NT_VOID2(RtlTimeToTimeFields, const int64_t *, struct time_fields *)
NT_CALL2(RtlTimeFieldsToTime, const struct time_fields *, int64_t *)
NT_CALL2(RtlTimeToSecondsSince1970, const int64_t *, uint32_t *)
NT_CALL2(RtlTimeToSecondsSince1980, const int64_t *, uint32_t *)
NT_VOID2(RtlSecondsSince1970ToTime, uint32_t, int64_t *)
NT_VOID2(RtlSecondsSince1980ToTime, uint32_t, int64_t *)
