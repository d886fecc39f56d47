/* SPDX-License-Identifier: MIT */
/*
 * Relations between classes of IRQL: 4x4 boolean matrices in 16 bits.
 *
 * Column c of a relation is (relation >> c) & IRQL_COLUMN, bit 4e for row e, so multiplying it by a
 * row of another one puts that row wherever the column has a bit: four multiplications make a
 * product.
 */
#include "advise/state.h"

irql_relation irql_compose(irql_relation first, irql_relation then)
{
    unsigned product = 0;

    for (unsigned class = 0; class < IRQL_CLASSES; class ++) {
        product |= ((unsigned)first >> class & IRQL_COLUMN) * IRQL_ROW(then, class);
    }
    return (irql_relation)product;
}

irql_set irql_apply(irql_relation relation, irql_set entered)
{
    irql_set here = 0;

    for (unsigned class = 0; class < IRQL_CLASSES; class ++) {
        if (entered & IRQL_BIT(class)) {
            here |= IRQL_ROW(relation, class);
        }
    }
    return here;
}

static unsigned rows_there(irql_relation relation)
{
    unsigned r = relation;

    return (r | r >> 1 | r >> 2 | r >> 3) & IRQL_COLUMN;
}

irql_relation irql_rows(irql_relation relation)
{
    return (irql_relation)(rows_there(relation) * 0xf);
}

irql_relation irql_restrict(irql_relation relation, irql_set set)
{
    return (irql_relation)(relation & IRQL_COLUMN * set);
}

irql_relation irql_become(irql_relation relation, irql_set set)
{
    return (irql_relation)(rows_there(relation) * set);
}

enum irql_class irql_class_of(uint64_t level)
{
    return level > IRQL_D ? IRQL_H : (enum irql_class)level;
}
